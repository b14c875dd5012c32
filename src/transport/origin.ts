/** The origin of a server: scheme, host and port (RFC 6454), which requests must share to share a connection. */

export class Origin {
  /** `https:` or `http:` */
  readonly scheme: string
  /** As in a URL: an IPv6 address is in brackets. */
  readonly host: string
  /** The scheme's default port if the URL has none. */
  readonly port: number

  constructor({ protocol, hostname, port }: URL) {
    this.scheme = protocol
    this.host = hostname
    this.port = port === '' ? (protocol === 'https:' ? 443 : 80) : Number(port)
  }

  /** `host:port`; CONNECT and SOCKS need the port even if it is the default. */
  get authority(): string {
    return `${this.host}:${this.port}`
  }

  /** `scheme://host:port` */
  toString(): string {
    return `${this.scheme}//${this.authority}`
  }
}
