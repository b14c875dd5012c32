/** Parses the challenges of `WWW-Authenticate` (RFC 9110 section 11.6.1). */
import { TOKEN_CHARACTER } from '../http/token.ts'

/** One challenge of a server. */
export interface Challenge {
  /** In lower case: `basic`, `digest`, `bearer` … */
  readonly scheme: string
  /** Unquoted, by name in lower case. If a name is repeated, the first value counts. */
  readonly params: ReadonlyMap<string, string>
}

/**
 * Parses challenges, in the server's order of preference. A header may contain several; a comma separates challenges as well
 * as parameters. As in requests, a value without quotes may hold anything but a comma, since servers send such realms and nonces.
 * Malformed parts are ignored.
 *
 * @example
 * parseChallenges(['Negotiate, Digest realm="a, b", nonce="x"']).map(({ scheme }) => scheme) // ['negotiate', 'digest']
 */
export function parseChallenges(values: readonly string[]): Challenge[] {
  const challenges: Challenge[] = []
  for (const value of values) {
    let params: Map<string, string> | undefined
    for (const { groups = {} } of value.matchAll(ITEM)) {
      const { name, quoted, plain = '', scheme } = groups
      if (scheme !== undefined) {
        params = new Map()
        challenges.push({ scheme: scheme.toLowerCase(), params })
      } else if (name !== undefined && !params?.has(name.toLowerCase())) {
        params?.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? plain.trimEnd())
      }
    }
  }
  return challenges
}

const TOKEN = `${TOKEN_CHARACTER}+`

/** A quote ends a value if a comma, the end or another parameter follows: some servers do not escape the quotes in a realm. */
const QUOTED = `"(?<quoted>(?:[^"\\\\]|\\\\.|"(?!\\s*(?:,|$)|\\s+${TOKEN}\\s*=))*)"?`

/** A parameter, else a scheme with or without a token68, at the start of the value or after a comma or blank. */
const ITEM = new RegExp(
  `(?<![^\\s,])(?:(?<name>${TOKEN})\\s*=\\s*(?:${QUOTED}|(?<plain>[^",][^,]*)?)` +
    `|(?<scheme>${TOKEN})(?:[ ]+[\\w.~+/-]+=*(?=\\s*(?:,|$)))?(?=[\\s,]|$))`,
  'gs',
)
