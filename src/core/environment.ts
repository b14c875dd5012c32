/** Environment variables. No other file reads `process.env`; files that are given an environment look its variables up here. */
import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import { checkFlag } from './options.ts'

export const processEnvironment = (): NodeJS.ProcessEnv => process.env

/** The value of an environment variable: `process.env` inherits from `Object.prototype`, whose properties are none. */
export function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}

/**
 * The home directory of the user. `undefined` if there is none: HOME is not set, and the system does not know the user, as in a
 * container that runs with any number; or HOME is no absolute path, and would mean the working directory.
 */
export function homeDirectory(): string | undefined {
  try {
    const home = homedir()
    return isAbsolute(home) ? home : undefined
  } catch {
    return undefined
  }
}

const BUNDLE_VARIABLES = ['REQUESTS_CA_BUNDLE', 'CURL_CA_BUNDLE'] as const

/** The bundle that the environment names, and by which variable: the first one that is set and not empty, as in requests. */
export function environmentBundle(
  env: NodeJS.ProcessEnv,
): { readonly variable: (typeof BUNDLE_VARIABLES)[number]; readonly path: string } | undefined {
  for (const name of BUNDLE_VARIABLES) {
    const path = variable(env, name)
    if (path) return { variable: name, path }
  }
  return undefined
}

/** The environment, if it counts; `undefined` if not. @throws TypeError if `trustEnv` is no boolean */
export function environmentOf(
  trustEnv: boolean | null | undefined,
  environment: NodeJS.ProcessEnv = processEnvironment(),
): NodeJS.ProcessEnv | undefined {
  return (checkFlag('trustEnv', trustEnv) ?? true) ? environment : undefined
}
