/** What pools, agents and tunnels agree on: what identifies a connection, and how one is asked for. */
import type https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type tls from 'node:tls'
import { ConnectionError } from '../core/errors.ts'
import type { ClientIdentity } from '../trust/client-cert.ts'
import type { ResolvedTrust } from '../trust/verify.ts'
import type { ProxyServer } from './proxies.ts'

/** Everything that a TLS connection depends on. The key of a pool is made of all of it. */
export interface ConnectionSpec {
  /** `https://host:port` */
  readonly origin: string
  readonly trust: ResolvedTrust
  readonly identity: ClientIdentity | undefined
  /** The proxy that a tunnel leads through; `undefined`: none. */
  readonly proxy: ProxyServer | undefined
}

/** What `createConnection` is given: Node's options, and ours that a request hands through. */
export interface ConnectionOptions extends https.AgentOptions {
  /** ms */
  readonly connectTimeout?: number | undefined
  /** A tunnel to run TLS over. */
  readonly socket?: Socket
  /** A TLS session to resume. */
  readonly session?: Buffer | undefined
  readonly attempt?: ConnectionAttempt
}

/** A connection that is being made for a request, or is to be. */
export interface ConnectionAttempt {
  /** While it is being opened: Node knows nothing of it yet. */
  tunnel?: TunnelAttempt | undefined
  /** Why the request wants no connection any more. */
  givenUp?: Error
}

export type ConnectionCallback = (error: Error | null, socket?: Duplex) => void

/** What a tunnel needs to know. */
export interface TunnelOptions {
  readonly proxy: ProxyServer
  /** `host:port` of the origin. */
  readonly authority: string
  /** For the TLS connection to an `https:` proxy; the client certificate is not among it, that is for the origin. */
  readonly tls: () => tls.ConnectionOptions
  /** What that is verified against, for errors. */
  readonly trust?: ResolvedTrust
  /** ms */
  readonly connectTimeout: number | undefined
}

/** Called once, with a socket or an error: a ProxyError, the time limit's, or the reason for giving up. */
export type TunnelCallback = (error: Error | null, socket?: Socket) => void

/** A tunnel that is being opened. */
export interface TunnelAttempt {
  /** Gives up. */
  destroy(reason: Error): void
}

export const sessionClosed = () => new ConnectionError('the session was closed before the request was sent')
