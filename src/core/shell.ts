/** Quotes text for shell commands in messages, since it may come from a server or a path. */
import { isIPv6 } from 'node:net'
import { displayName } from './credentials.ts'

/** The library's own command line, without installing a package of that name: `npx` alone would fetch one from the registry. */
export const VOUCH = 'npx --no vouch'

/** The `host:port` or host for a command; `undefined` if it has a character other than those of plain host names. */
export function plainAuthority(authority: string): string | undefined {
  const [, host = '', bracketed] =
    /^(\[([\da-f:.]+)\]|[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?)(?::\d+)?$/i.exec(authority) ?? []
  const isPlain = host !== '' && host.length <= MAX_HOST && (bracketed === undefined || isIPv6(bracketed))
  return isPlain ? authority : undefined
}

/** A path as one word of a POSIX shell, in quotes if it needs them; `undefined` if it is not safe to print. */
export function shellPath(path: string): string | undefined {
  if (displayName(path) !== path) return undefined
  const word = path.startsWith('-') ? `./${path}` : path
  return /^[\w./:+@%,=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}

/** RFC 1035, section 2.3.4. */
const MAX_HOST = 253
