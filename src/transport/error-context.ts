/** Where an error occurred: server, proxy, certificates and trust, for the messages and properties of errors. */
import type { Socket } from 'node:net'
import { serverAddress } from '../core/address.ts'
import { forwarderFor } from './client-request.ts'
import type { ErrorContext } from './map-error.ts'
import type { Route } from './route.ts'
import { presentedChain } from './tls-info.ts'

/** @param isReused whether the connection had served a request before: its client certificate was accepted then */
export function errorContext(
  target: URL,
  route: Route,
  { socket, isReused }: { readonly socket: Socket | null | undefined; readonly isReused: boolean },
): ErrorContext {
  return {
    ...serverAddress(target),
    forwardedBy: forwarderFor(target, route)?.url,
    through: route.proxy?.url,
    hasReceived: socket ? socket.bytesRead > 0 : false,
    client: isReused ? undefined : route.identity?.displayName,
    chain: presentedChain(socket),
    trust: route.trust,
  }
}
