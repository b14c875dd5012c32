/** A proxy on loopback that follows a script, step by step, and is honest without one. */
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { startTcpServer } from '../helpers/tcp.ts'
import { pour } from './faulty-server.ts'

/** The protocols that it speaks; `https`: CONNECT over TLS. */
export type ProxyScheme = 'http' | 'https' | 'socks4a' | 'socks5h'

/** What a proxy does when the client has sent something: it says this (latin-1), or acts; then it waits for more. */
export type Step = string | ((client: Duplex, scene: Scene) => void)

export interface Scene {
  /** The connection below TLS. */
  readonly tcp: Socket
  /** What the client has sent. */
  readonly data: Buffer
  /** The port that the proxy is to lead to. */
  readonly origin: number
}

export interface LyingProxy extends AsyncDisposable {
  readonly port: number
  /** What it does at each thing that it is sent; `undefined`: what it should. */
  lies: readonly Step[] | undefined
  /** Connections that are open now, and those accepted so far. */
  readonly open: number
  readonly accepted: number
  /** All that it was sent. */
  readonly received: string
}

export interface LyingProxyOptions {
  readonly scheme: ProxyScheme
  /** Where it leads to when it is honest, on loopback. */
  readonly origin: number
  /** For `https`. */
  readonly tls: { readonly cert: string; readonly key: string }
}

/** How an honest one answers, before it passes on what comes. */
export const HONEST: Readonly<Record<ProxyScheme, readonly string[]>> = {
  http: ['HTTP/1.1 200 OK\r\n\r\n'],
  https: ['HTTP/1.1 200 OK\r\n\r\n'],
  socks4a: [`\0\x5a${'\0'.repeat(6)}`],
  // It wants no credentials; it has connected.
  socks5h: ['\x05\0', `\x05\0\0\x01${'\0'.repeat(6)}`],
}

export async function startLyingProxy({ scheme, origin, tls }: LyingProxyOptions): Promise<LyingProxy> {
  let received = ''
  const server = await startTcpServer((tcp) => {
    const client = scheme === 'https' ? new TLSSocket(tcp, { isServer: true, ...tls }) : tcp
    const steps = [...(proxy.lies ?? [...HONEST[scheme], passOn])]
    client.on('error', () => tcp.destroy())
    client.on('data', (data: Buffer) => {
      received += data.toString('latin1')
      const step = steps.shift()
      if (typeof step === 'string') say(client, step)
      else step?.(client, { tcp, data, origin })
    })
  })
  const proxy: LyingProxy = {
    port: server.port,
    lies: undefined,
    get open() {
      return server.sockets.size
    },
    get accepted() {
      return server.accepted
    },
    get received() {
      return received
    },
    [Symbol.asyncDispose]: server.close,
  }
  return proxy
}

function say(client: Duplex, what: string): void {
  client.write(Buffer.from(what, 'latin1'))
}

/** Leads to the origin from now on, beginning with what the client has just sent. */
export const passOn: Step = (client, { tcp, data, origin }) => {
  client.removeAllListeners('data')
  const onward = connect(origin, '127.0.0.1')
  onward.on('error', () => tcp.destroy()).on('close', () => tcp.destroy())
  tcp.on('close', () => onward.destroy())
  onward.write(data)
  client.pipe(onward).pipe(client)
}

export const end: Step = (client) => client.end()

export const reset: Step = (_client, { tcp }) => tcp.resetAndDestroy()

export function sayAndEnd(what: string): Step {
  return (client) => client.end(Buffer.from(what, 'latin1'))
}

/** Resets the connection when what it says has been sent. */
export function sayAndReset(what: string): Step {
  return (client, { tcp }) => client.write(Buffer.from(what, 'latin1'), () => tcp.resetAndDestroy())
}

/** Says something, and then `more` for good, as fast as it is read. */
export function sayWithoutEnd(what: string, more: string): Step {
  return (client) => {
    say(client, what)
    pour(client, more)
  }
}

/** Says that the tunnel is there, and then is the server itself, by a certificate of its own. */
export function pretend(what: string, tls: { readonly cert: string; readonly key: string }): Step {
  return (client) => {
    client.removeAllListeners('data')
    say(client, what)
    const impostor = new TLSSocket(client, { isServer: true, ...tls })
    impostor.on('error', () => {}).on('data', () => assert.fail('an impostor has received something'))
  }
}
