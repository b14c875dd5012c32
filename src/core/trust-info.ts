/** The trust settings of a connection, as responses, errors and events report them. */

/** Where the decision about trust was made. */
export type TrustSource = 'call' | 'session' | 'REQUESTS_CA_BUNDLE' | 'CURL_CA_BUNDLE' | 'default'

/** What was trusted for a connection, for people and logs. */
export interface TrustInfo {
  /** Where the decision was made; `default` if nothing decided, so that Node's default roots apply. */
  readonly source: TrustSource
  /** The file or directory, if trust came from one. */
  readonly path?: string
  /** How many certificates are trusted; 0 if verification is off, or if pins say who the server is. */
  readonly certificates: number
  /** How many pins there are, if `verify` was a pin or a list of pins. */
  readonly pins?: number
}
