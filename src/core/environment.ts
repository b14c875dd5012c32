/** Environment variables: this file is the only one that reads `process.env`, and who is handed it asks for them here. */

export const processEnvironment = (): NodeJS.ProcessEnv => process.env

/** The value of an environment variable. `process.env` inherits, and what somebody put on `Object.prototype` is none. */
export function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
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
