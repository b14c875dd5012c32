/** The types that pools, agents and tunnels share: the key of a connection, and the request for one. */
import type { ClientRequest } from 'node:http'
import type https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type tls from 'node:tls'
import { ConnectionError } from '../core/errors.ts'
import type { ClientIdentity } from '../trust/client-identity.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { ConnectAddress } from './connect-to.ts'
import type { Origin } from './origin.ts'
import type { ProxyServer } from './proxies.ts'

/** Everything that a TLS connection depends on. The key of a pool contains all of it. */
export interface ConnectionSpec {
  readonly origin: Origin
  readonly trust: ResolvedTrust
  readonly identity: ClientIdentity | undefined
  /** The proxy that opens the tunnel; `undefined`: none. */
  readonly proxy: ProxyServer | undefined
  /** What an `https:` proxy is verified against; `undefined` for others, which do not use TLS. */
  readonly proxyTrust: ResolvedTrust | undefined
  /** Where to connect to in place of the origin, whose names stay; `undefined`: to the origin. */
  readonly connectTo: ConnectAddress | undefined
}

/** The options of `createConnection`: Node's, and ours, which Node copies from the request. */
export interface ConnectionOptions extends https.AgentOptions {
  /** ms */
  readonly connectTimeout?: number | undefined
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined
  readonly attempt?: ConnectionAttempt
}

/** The opening of a connection for one request. */
export interface ConnectionAttempt {
  /** The tunnel while it is being opened, when Node has no socket yet. */
  tunnel?: TunnelAttempt | undefined
  /** Why the request needs no connection any more. */
  abortReason?: Error
}

export type ConnectionCallback = (error: Error | null, socket?: Duplex) => void

/** What an agent asks its pool. */
export interface ConnectionGate {
  /** Calls `start` when the request may use an idle connection or open one, with the options that the agent then needs. */
  admit(request: ClientRequest, options: ConnectionOptions, start: (options: ConnectionOptions) => void): void
  /** Why no connection may be opened for an attempt; `undefined` if one may. */
  refusal(attempt: ConnectionAttempt | undefined): Error | undefined
  /** Whether a connection that has become idle is kept for further requests. */
  keepsIdle(): boolean
}

export interface TunnelOptions {
  readonly proxy: ProxyServer
  /** `host:port` of the origin. */
  readonly authority: string
  /** For the TLS connection to an `https:` proxy; without the client certificate, which is for the origin. */
  readonly tls: () => tls.ConnectionOptions
  /** What the proxy's certificate is verified against, for errors. */
  readonly trust?: ResolvedTrust
  /** ms */
  readonly connectTimeout: number | undefined
  /** Whether the server may send before the client, as in SMTP. A TLS server does not: earlier bytes are the proxy's, and dropped. */
  readonly serverFirst?: boolean
}

/** Called once, with a socket or an error: a ProxyError, a connect timeout, or the reason given to `destroy`. */
export type TunnelCallback = (error: Error | null, socket?: Socket) => void

/** A tunnel that is being opened. */
export interface TunnelAttempt {
  destroy(reason: Error): void
}

export const sessionClosed = () => new ConnectionError('the session was closed before the request was sent')

/** For a connection that is closed before TLS is established, in the words of Node, which emits such an error itself in most cases. */
export function closedEarly(): Error {
  const message = 'Client network socket disconnected before secure TLS connection was established'
  return Object.assign(new Error(message), { code: 'ECONNRESET' })
}
