/**
 * Connections to a server that is known by pins, in two steps. The first handshake trusts nothing: it fails, and shows the certificate
 * that the server presents. If that matches a pin, the second handshake trusts this certificate and no other, and carries the request.
 *
 * TLS verifies the server in both, so that the option `rejectUnauthorized` is true on every connection.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { onDeadline, withDeadline } from '../core/deadline.ts'
import { type LearnedCertificate, LearnedCertificates } from '../trust/learned.ts'
import { PinMismatchError, type Pins } from '../trust/pins.ts'
import { type ConnectionCallback, type ConnectionOptions, closedEarly, sessionClosed } from './connection.ts'
import { InternalConnectTimeout } from './time-limits.ts'
import { presentedOn } from './tls-info.ts'

/** How a server known by pins is connected to. */
export interface PinnedRoute<T extends Socket | undefined = Socket | undefined> {
  /** A connection to the server for one handshake; `undefined` if {@link secure} makes it. Rejects with the signal's reason. */
  readonly open: (signal: AbortSignal) => Promise<T>
  /** Starts the TLS handshake, with these certificates as the only anchors. */
  readonly secure: (socket: T, learned: readonly LearnedCertificate[]) => TLSSocket
  /** Turns the error of a handshake into the error of the connection. */
  readonly mapError: (error: Error, socket: TLSSocket) => Error
}

/** The connections of one agent, or of a single probe, to a server known by pins. */
export class PinnedConnections {
  readonly #learned: LearnedCertificates
  readonly #opening = new Set<AbortController>()
  /** The first handshake with the server, which the others wait for. */
  #first: Promise<unknown> | undefined

  constructor(pins: Pins) {
    this.#learned = new LearnedCertificates(pins)
  }

  /** For an agent: calls back with a verified connection. The connect timeout covers all steps. */
  open(route: PinnedRoute, { connectTimeout, attempt = {} }: ConnectionOptions, callback: ConnectionCallback): void {
    const opening = new AbortController()
    const abort = (reason: Error) => opening.abort(reason)
    const deadline = connectTimeout === undefined ? undefined : performance.now() + connectTimeout
    const stop = onDeadline({ deadline }, () => abort(new InternalConnectTimeout(connectTimeout ?? 0)))
    this.#opening.add(opening)
    attempt.tunnel = { destroy: abort }
    this.connect(route, opening.signal)
      .finally(() => {
        stop()
        this.#opening.delete(opening)
        attempt.tunnel = undefined
      })
      .then((socket) => {
        // It may have failed in the meantime: Node's agent would wait for its events.
        if (socket.destroyed) callback(socket.errored ?? closedEarly())
        else callback(null, socket)
      }, callback)
  }

  /**
   * A connection whose certificate matches a pin.
   *
   * @throws what the route throws, or maps; the signal's reason
   */
  async connect<T extends Socket | undefined>(route: PinnedRoute<T>, signal: AbortSignal): Promise<TLSSocket> {
    if (this.#learned.current.length > 0) return this.#connect(route, signal)
    if (this.#first !== undefined) {
      // Whatever becomes of it: it may have been aborted, so then each tries for itself.
      await withDeadline(this.#first, { signal })
      return this.#connect(route, signal)
    }
    const connection = this.#connect(route, signal)
    this.#first = connection
      .catch(() => {})
      .finally(() => {
        this.#first = undefined
      })
    return connection
  }

  destroy(): void {
    for (const opening of this.#opening) opening.abort(sessionClosed())
  }

  async #connect<T extends Socket | undefined>(route: PinnedRoute<T>, signal: AbortSignal): Promise<TLSSocket> {
    for (let handshakes = 1; ; handshakes++) {
      const learned = this.#learned.current
      const plain = await route.open(signal)
      if (signal.aborted) {
        plain?.destroy()
        throw signal.reason
      }
      const socket = secureOver(route, plain, learned)
      const error = await failureOf(socket, signal)
      if (error === undefined) return socket
      if (signal.aborted) throw signal.reason
      const peer = presentedOn(socket)
      if (peer === undefined) throw route.mapError(error, socket)
      if (!this.#learned.match(peer.raw)) throw route.mapError(new PinMismatchError({ cause: error }), socket)
      const isKnown = learned.some(({ fingerprint }) => fingerprint === peer.fingerprint)
      if (isKnown || handshakes === MAX_HANDSHAKES) throw route.mapError(error, socket)
      this.#learned.add(peer.raw)
    }
  }
}

function secureOver<T extends Socket | undefined>(
  route: PinnedRoute<T>,
  plain: T,
  learned: readonly LearnedCertificate[],
): TLSSocket {
  try {
    return route.secure(plain, learned)
  } catch (error) {
    plain?.destroy()
    throw error
  }
}

/** The error of a handshake; `undefined` if the server was verified. */
function failureOf(socket: TLSSocket, signal: AbortSignal): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const abort = () => socket.destroy(signal.reason)
    const settle = (error?: Error) => {
      signal.removeEventListener('abort', abort)
      resolve(error)
    }
    signal.addEventListener('abort', abort)
    socket
      .on('secureConnect', () => settle())
      .on('error', (error) => {
        // It can be read now, and not any more when the promise is settled.
        presentedOn(socket)
        settle(error)
      })
      .on('close', () => settle(socket.errored ?? closedEarly()))
    // A tunnel may have been closed before TLS began.
    if (socket.destroyed) settle(socket.errored ?? closedEarly())
  })
}

/** A cluster may present another certificate at each handshake, all of them pinned. */
const MAX_HANDSHAKES = 4
