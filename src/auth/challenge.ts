/** What a server asks for with the header `WWW-Authenticate` (RFC 9110 section 11.6.1). */
import { TOKEN_CHARACTER } from '../http/token.ts'

export interface Challenge {
  /** In lower case: `basic`, `digest`, `bearer` … */
  readonly scheme: string
  /** By name in lower case, unquoted. Of a name that comes twice the first counts. */
  readonly params: ReadonlyMap<string, string>
}

/**
 * The challenges, in the order in which the server prefers them. One header can hold several, with the same comma between
 * challenges as between the parameters of one; what fits neither is passed over.
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
        params?.set(name.toLowerCase(), quoted?.replace(/\\(.)/gs, '$1') ?? plain)
      }
    }
  }
  return challenges
}

const TOKEN = `${TOKEN_CHARACTER}+`

/** A parameter, or else a scheme with or without a token68; either begins the value or follows a comma or blank. */
const ITEM = new RegExp(
  `(?<![^\\s,])(?:(?<name>${TOKEN})\\s*=\\s*(?:"(?<quoted>(?:[^"\\\\]|\\\\.)*)"|(?<plain>${TOKEN}))` +
    `|(?<scheme>${TOKEN})(?:[ ]+[\\w.~+/-]+=*(?=\\s*(?:,|$)))?(?=[\\s,]|$))`,
  'gs',
)
