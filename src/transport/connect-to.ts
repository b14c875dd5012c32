/**
 * `connectTo`: connects to another address, with URL, server name, `Host` and name check unchanged (curl's
 * `--connect-to`).
 */
import { authorityOf, withoutBrackets } from '../core/address.ts'
import { displayValue, hasKeyAsHost } from '../core/credentials.ts'
import { isRecord } from '../core/pairs.ts'
import type { Origin } from './origin.ts'

/**
 * By host, or host and port, of the URL: the address to connect to, with or without a port. The more specific key applies.
 *
 * @example
 * new HTTPAdapter({ connectTo: { 'db.corp': '127.0.0.1:8443', 'api.corp:443': '[::1]:9443' } })
 */
export type ConnectToInit = Readonly<Record<string, string>>

/** Where to connect to. */
export interface ConnectAddress {
  readonly host: string
  readonly port: number
}

/** The addresses of an adapter. */
export class ConnectTo {
  readonly #addresses: ReadonlyMap<string, string>

  /** @throws TypeError for a key that is no host, or a value that is no address */
  constructor(init: ConnectToInit | null | undefined) {
    this.#addresses = new Map(entriesOf(init).map(([key, value]) => [keyOf(key), addressOf(key, value)]))
  }

  /** The address for an origin; `undefined`: its own. */
  find({ host, port }: Origin): ConnectAddress | undefined {
    if (this.#addresses.size === 0) return undefined
    const name = withoutDot(host)
    const address = this.#addresses.get(`${name}:${port}`) ?? this.#addresses.get(name)
    if (address === undefined) return undefined
    const [, bare = '', given] = HOST_PORT.exec(address) ?? []
    return { host: withoutBrackets(bare), port: given === undefined ? port : Number(given) }
  }
}

/** A host as URLs have it, an IPv6 address in brackets, and a port. */
const HOST_PORT = /^(\[[\da-f:.]+\]|[^:[\]/?#@\s]+)(?::(\d{1,5}))?$/i

function entriesOf(init: unknown): [string, unknown][] {
  if (init === undefined || init === null) return []
  if (isRecord(init)) return Object.entries(init)
  throw new TypeError(`connectTo must be an object such as { 'db.corp': '127.0.0.1:8443' }, not ${displayValue(init)}`)
}

function keyOf(key: string): string {
  const parts = parse(key)
  if (parts === undefined) throw wrong(key, 'a key is a host, or host:port, of the URL')
  const { host, port } = parts
  return port === undefined ? withoutDot(host) : `${withoutDot(host)}:${Number(port)}`
}

function addressOf(key: string, value: unknown): string {
  const parts = typeof value === 'string' ? parse(value) : undefined
  if (parts === undefined) throw wrong(key, `'127.0.0.1:8443' is an address, ${displayValue(value)} is none`)
  return parts.port === undefined ? parts.host : `${parts.host}:${Number(parts.port)}`
}

/** `undefined` if it is no host with or without a port. */
function parse(text: string): { readonly host: string; readonly port: string | undefined } | undefined {
  const [, bare, port] =
    HOST_PORT.exec(text.includes(':') && !text.includes('[') && /:.*:/.test(text) ? `[${text}]` : text) ?? []
  if (
    bare === undefined ||
    hasKeyAsHost(bare) ||
    (port !== undefined && !(Number(port) > 0 && Number(port) <= MAX_PORT))
  )
    return undefined
  // The parser of URLs normalizes names and addresses, as it does those of requests.
  const host = URL.parse(`https://${bare}`)?.hostname
  return host === undefined || host === '' ? undefined : { host, port }
}

const MAX_PORT = 65_535

const withoutDot = (host: string): string => host.replace(/\.$/, '')

function wrong(key: string, problem: string): TypeError {
  return new TypeError(`connectTo: ${displayValue(key)}: ${problem}`)
}

/** @throws TypeError: a proxy connects to the URL's own address */
export function notThroughProxy(origin: Origin, { host, port }: ConnectAddress): TypeError {
  return new TypeError(
    `connectTo leads ${origin.authority} to ${authorityOf({ host, port })}, and a proxy would connect to ${origin.host}: use one of them (no proxy: proxies: { https: '' })`,
  )
}
