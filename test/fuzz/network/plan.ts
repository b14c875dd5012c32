/** What the peers of one hostile connection do, as data: it can be printed, reduced and kept. Bytes are latin-1 text. */

/** How a peer ends what it sends: by an orderly end, by TCP's FIN below TLS, by RST; `keep`: the connection stays open. */
export type End = 'end' | 'fin' | 'rst' | 'keep'

/** What a peer sends when it has received something. */
export interface Turn {
  /** Sent one after the other, with a pause of so many ms between them. */
  readonly pieces: readonly string[]
  readonly pause: number
  readonly end: End
}

/** What happens to the TLS records of a server in transit. */
export interface Damage {
  /** So many records pass before it. */
  readonly after: number
  readonly kind: 'flip' | 'drop' | 'repeat' | 'insert' | 'replace' | 'cut'
  /** For `flip` and `cut`: where in the record, 0 to 1. */
  readonly place: number
  /** For `insert` and `replace`. */
  readonly bytes: string
  /** What happens to the connection afterwards; `keep`: the rest passes. */
  readonly end: 'keep' | 'fin' | 'rst' | 'stall'
}

export const STARTTLS_SCHEMES = ['postgres', 'mysql', 'smtp', 'imap', 'pop3', 'ldap'] as const

/** Calls of the public functions. */
export type ClientName = 'whole' | 'stream' | 'upload' | 'fetch' | 'explain' | 'fetchCert' | 'agent' | 'socket'

/** Whose certificate the server presents. */
export type Identity = 'right' | 'stranger' | 'other host'

export interface Plan {
  readonly client: ClientName
  /** `forged`: the client begins TLS, and the server answers with its turns as they are. */
  readonly tls: 'none' | 'TLSv1.2' | 'TLSv1.3' | 'forged'
  readonly identity: Identity
  /** Of the URL, if it is none of HTTP: the server is asked for TLS first, and answers with its turns as they are. */
  readonly scheme?: (typeof STARTTLS_SCHEMES)[number] | undefined
  /** Whether the server is known by the fingerprint of its certificate in place of a CA. */
  readonly isPinned?: boolean | undefined
  /** By request; the last one is used for all that follow. */
  readonly turns: readonly Turn[]
  /** Whether the server sends its first turn before it has been asked. */
  readonly early: boolean
  readonly damage: Damage | undefined
  readonly proxy: 'none' | 'http' | 'https' | 'socks4a' | 'socks5' | 'socks5h'
  /** By what the proxy receives, before it passes everything on; `undefined`: as it should. */
  readonly proxyTurns: readonly (Turn | undefined)[]
  /** ms */
  readonly connect: number | undefined
  readonly read: number | undefined
  readonly total: number | undefined
  readonly abort: number | undefined
  readonly retries: number
  readonly reading: Reading
}

/** What is done with a response whose body was not read. */
export type Reading = 'read' | 'iterate' | 'lines' | 'raw' | 'first chunk' | 'close' | 'nothing'
