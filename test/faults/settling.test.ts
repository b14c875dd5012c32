/** Every call settles, and only once, whatever a proxy or a server does: none waits without end, and no error is uncaught. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import { describe, test } from 'node:test'
import { fetchCert } from '../../src/certs/index.ts'
import { explain, get, RequestException, trustedAgent } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { HONEST, type ProxyScheme, type Step, sayAndEnd, sayAndReset, startLyingProxy } from './lying-proxy.ts'
import { withinBound } from './survive.ts'

const authority = createAuthority()
const { chain: cert, key } = authority.issue({ hosts: ['127.0.0.1', 'localhost'] })
const ALERT = '\x15\x03\x03\0\x02\x02\x28'
const SCHEMES: readonly ProxyScheme[] = ['http', 'socks4a', 'socks5h']

/**
 * What follows the grant of a tunnel, or takes its place; `ends`: whether that ends the call, or only a limit does. What
 * follows the answer to CONNECT is dropped, as by Python: some proxies send a body there.
 */
const LIES: readonly [what: string, lie: (grant: string) => Step, ends: boolean | 'by SOCKS'][] = [
  ['grants, and resets', sayAndReset, true],
  ['grants, and ends', sayAndEnd, true],
  ['grants with an alert of TLS', (grant) => `${grant}${ALERT}`, 'by SOCKS'],
  ['grants with HTTP behind it', (grant) => `${grant}HTTP/1.1 200 OK\r\n\r\n`, 'by SOCKS'],
  ['says half of its answer, and ends', (grant) => sayAndEnd(grant.slice(0, 5)), true],
  ['says half of its answer, and resets', (grant) => sayAndReset(grant.slice(0, 5)), true],
  ['says half of its answer, and no more', (grant) => grant.slice(0, 5), false],
  ['grants, and says no more', (grant) => grant, false],
  ['says nothing', () => () => {}, false],
]

/** Calls that settle by a limit of theirs, in ms. */
const CALLS: Readonly<Record<string, (proxy: string, ms: number) => Promise<unknown>>> = {
  explain: (all, timeout) =>
    explain('https://localhost:1/', { proxies: { all }, timeout, verify: authority.certificate }),
  fetchCert: (all, timeout) => fetchCert('https://localhost:1/', { proxies: { all }, timeout }),
  get: (all, ms) => get('https://localhost:1/', { proxies: { all }, timeout: { connect: ms, read: ms } }),
  'get with a total limit': (all, total) => get('https://localhost:1/', { proxies: { all }, timeout: { total } }),
  'trustedAgent, by the option timeout': (proxy, timeout) => asked(proxy, { timeout }),
  'trustedAgent, by setTimeout': (proxy, ms) => asked(proxy, {}, (request) => request.setTimeout(ms)),
  'trustedAgent, by a signal': (proxy, ms) => asked(proxy, { signal: AbortSignal.timeout(ms) }),
}

/** A request by an agent, as programs make it: a timeout is an event, on which they destroy it. */
async function asked(
  proxy: string,
  options: https.RequestOptions,
  prepare: (request: ReturnType<typeof https.get>) => void = () => {},
): Promise<never> {
  const agent = trustedAgent({ proxy, verify: authority.certificate })
  const request = https.get('https://localhost:1/', { ...options, agent })
  prepare(request)
  request.on('timeout', () => request.destroy(new Error('silent')))
  try {
    const [error] = await once(request, 'error')
    throw error
  } finally {
    agent.destroy()
  }
}

describe('a call', { concurrency: 8 }, () => {
  for (const scheme of SCHEMES) {
    for (const [what, lie, ends] of LIES) {
      test(`settles, through a proxy for ${scheme} that ${what}`, async () => {
        const isEnded = ends === true || (ends === 'by SOCKS' && scheme !== 'http')
        for (const [name, call] of Object.entries(CALLS)) {
          await using proxy = await startLyingProxy({ scheme, origin: 1, tls: { cert, key } })
          const replies = HONEST[scheme]
          proxy.lies = [...replies.slice(0, -1), lie(replies.at(-1) ?? '')]
          const settled = withinBound(name, call(`${scheme}://127.0.0.1:${proxy.port}`, isEnded ? 50_000 : 100))
          // `explain` reports a server that breaks off by its result.
          if (name === 'explain') await settled.catch((error) => assert(error instanceof RequestException))
          else if (name.startsWith('trusted')) await assert.rejects(settled)
          else await assert.rejects(settled, (error) => error instanceof RequestException)
          await eventually(() => proxy.open === 0, `${name} leaves a connection open`)
        }
      })
    }
  }
})
