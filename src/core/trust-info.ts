/** The trust settings of a connection, as responses, errors and events report them. */

/** Where the trust setting came from. */
export type TrustSource = 'call' | 'session' | 'REQUESTS_CA_BUNDLE' | 'CURL_CA_BUNDLE' | 'default'

/** What was trusted for a connection. */
export interface TrustInfo {
  /** Where the setting came from; `default`: nothing was set, so Node's default roots apply. */
  readonly source: TrustSource
  /** The file or directory, if trust came from one. */
  readonly path?: string
  /** How many certificates are trusted; 0 without verification, or with pins. */
  readonly certificates: number
  /** How many pins there are, if `verify` was a pin or a list of pins. */
  readonly pins?: number
}
