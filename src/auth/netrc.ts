/** The user and password that the environment's netrc file has for the URL's host; `undefined`: none. */
export function netrcAuth(_url: URL, _env: NodeJS.ProcessEnv): readonly [user: string, password: string] | undefined {
  return undefined
}
