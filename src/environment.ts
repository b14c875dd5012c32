/** The value of an environment variable. `process.env` inherits, and what somebody put on `Object.prototype` is none. */
export function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return Object.hasOwn(env, name) ? env[name] : undefined
}
