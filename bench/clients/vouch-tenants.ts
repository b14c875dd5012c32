/** A service with many tenants: each request trusts the next of the bundles in a folder. */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { get, HTTPAdapter, Session } from 'vouch'
import type { Ask } from '../client.ts'

/** A session for each tenant. */
export function keepAlive(url: string, folder: string): Ask {
  return inTurn(
    bundlesIn(folder)
      .map((verify) => new Session({ verify }))
      .map((session) => () => session.get(url)),
  )
}

export function inSession(url: string, folder: string): Ask {
  const bundles = bundlesIn(folder)
  const session = new Session()
  session.mount('https://', new HTTPAdapter({ poolConnections: bundles.length }))
  return inTurn(bundles.map((verify) => () => session.get(url, { verify })))
}

export function perCall(url: string, folder: string): Ask {
  return inTurn(bundlesIn(folder).map((verify) => () => get(url, { verify })))
}

function bundlesIn(folder: string): string[] {
  return readdirSync(folder).map((name) => join(folder, name))
}

/** The worst order for a cache that keeps what was used last. */
function inTurn(asks: readonly Ask[]): Ask {
  let turn = 0
  return () => asks[turn++ % asks.length]?.() ?? Promise.reject(new Error('no bundles'))
}
