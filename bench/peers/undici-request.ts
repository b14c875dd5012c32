import type { Ask } from '../client.ts'
import { type Dispatcher, dispatcherFor, once, request } from './undici.ts'

const ask = async (url: string, dispatcher: Dispatcher) => (await request(url, { dispatcher })).body.json()

export function keepAlive(url: string, ca: string): Ask {
  const dispatcher = dispatcherFor(ca)
  return () => ask(url, dispatcher)
}

export function perCall(url: string, ca: string): Ask {
  return () => once(ca, (dispatcher) => ask(url, dispatcher))
}

export function newConnections(url: string, ca: string): Ask {
  const dispatcher = dispatcherFor(ca, 0)
  return () => ask(url, dispatcher)
}
