/** The public functions as a program calls them, until all that they promise is settled. */
import assert from 'node:assert/strict'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { connect } from 'node:tls'
import { fetchCert } from '../../../src/certs/index.ts'
import {
  explain,
  HTTPAdapter,
  HTTPDigestAuth,
  RequestException,
  type RequestOptions,
  type Response,
  Session,
  tlsOptions,
  trustedAgent,
} from '../../../src/index.ts'
import { type Peers, trustOf } from './peers.ts'
import type { ClientName, Plan, Reading } from './plan.ts'

type Client = (plan: Plan, peers: Peers) => Promise<unknown>

/** Resolves when the call has settled and all that it opened is being closed; throws what no user expects. */
export const CLIENTS: Readonly<Record<ClientName, Client>> = {
  whole: (plan, peers) => withSession(plan, (session, options) => session.get(urlOf(plan, peers), options), peers),
  stream: (plan, peers) =>
    withSession(
      plan,
      async (session, options) => {
        const response = await session.get(urlOf(plan, peers), { ...options, stream: true })
        await readAs(plan.reading, response)
      },
      peers,
    ),
  upload: (plan, peers) =>
    withSession(plan, (session, options) => session.post(urlOf(plan, peers), { ...options, data: upload() }), peers),
  fetch: (plan, peers) =>
    withSession(
      plan,
      async (session, { signal = null, ...settings }) => {
        Object.assign(session, settings)
        try {
          await readWebResponse(plan.reading, await session.fetch(urlOf(plan, peers), { signal }))
        } catch (error) {
          // As of the global fetch: the error of vouch is the cause.
          throw error instanceof TypeError && error.cause ? error.cause : error
        }
      },
      peers,
    ),
  explain: (plan, peers) =>
    expected(
      explain(urlOf(plan, peers), {
        verify: trustOf(plan),
        trustEnv: false,
        timeout: { connect: plan.connect ?? OWN_LIMIT },
        ...proxiesOf(plan, peers),
      }),
    ),
  fetchCert: (plan, peers) =>
    expected(
      fetchCert(urlOf(plan, peers), {
        timeout: plan.connect ?? OWN_LIMIT,
        trustEnv: false,
        ...proxiesOf(plan, peers),
      }),
    ),
  agent: requestByAgent,
  socket: connectSocket,
}

/** Whether a call settles without the help of its peers. */
export function isLimited({ client, connect: ms, read, total, abort }: Plan): boolean {
  if (client === 'explain' || client === 'fetchCert') return true
  if (client === 'agent') return read !== undefined || abort !== undefined
  if (client === 'socket') return read !== undefined || total !== undefined
  return total !== undefined || abort !== undefined || (ms !== undefined && read !== undefined)
}

/** ms; for functions that have a limit of their own. */
const OWN_LIMIT = 60

function urlOf({ tls, scheme }: Plan, { port }: Peers): string {
  return `${scheme ?? (tls === 'none' ? 'http' : 'https')}://127.0.0.1:${port}/?q=1`
}

function proxiesOf({ proxy }: Plan, { proxyPort }: Peers): { proxies?: { all: string } } {
  return proxy === 'none' ? {} : { proxies: { all: `${proxy}://ada:secret@127.0.0.1:${proxyPort}` } }
}

async function withSession(
  plan: Plan,
  use: (session: Session, options: RequestOptions) => Promise<unknown>,
  peers: Peers,
): Promise<void> {
  const session = new Session({ trustEnv: false })
  const { connect: connectLimit, read, total, abort, retries } = plan
  if (retries > 0) {
    const adapter = new HTTPAdapter({ maxRetries: { total: retries, statusForcelist: [503] } })
    session.mount('https://', adapter)
    session.mount('http://', adapter)
  }
  const controller = new AbortController()
  const timer = abort === undefined ? undefined : setTimeout(() => controller.abort(), abort)
  try {
    const options = {
      verify: trustOf(plan),
      auth: new HTTPDigestAuth('ada', 'secret'),
      timeout: { connect: connectLimit, read, total },
      signal: controller.signal,
      ...proxiesOf(plan, peers),
    }
    await use(session, options)
  } catch (error) {
    if (error !== controller.signal.reason) assertOurs(error)
  } finally {
    clearTimeout(timer)
    await session.close()
  }
}

async function* upload(): AsyncGenerator<Buffer, void, undefined> {
  for (let index = 0; index < 4; index++) {
    yield Buffer.alloc(30_000)
    await delay(1)
  }
}

async function expected(work: Promise<unknown>): Promise<void> {
  try {
    await work
  } catch (error) {
    assertOurs(error)
  }
}

function assertOurs(error: unknown): void {
  const stack = error instanceof Error ? error.stack : String(error)
  assert(error instanceof RequestException, `not an error of ours: ${stack}`)
  assert(!error.message.includes('secret'), error.message)
}

async function readAs(how: Reading, response: Response): Promise<void> {
  if (how === 'read') await response.read()
  else if (how === 'iterate') for await (const _chunk of response);
  else if (how === 'lines') for await (const _line of response.iterLines());
  else if (how === 'first chunk') {
    for await (const _chunk of response) break
  } else if (how === 'raw') await drain(response.raw)
  else if (how === 'close') response.close()
}

async function readWebResponse(how: Reading, response: globalThis.Response): Promise<void> {
  if (how === 'read') await response.arrayBuffer()
  else if (how === 'lines') await response.text()
  else if (how === 'close') await response.body?.cancel()
  else if (how === 'iterate') for await (const _chunk of response.clone().body ?? []);
  else if (how === 'raw') for await (const _chunk of response.body ?? []);
  else if (how === 'first chunk') for await (const _chunk of response.body ?? []) break
}

/** To the end, or to the error that takes its place; one of them must come. */
async function drain(stream: Readable): Promise<void> {
  let failure: Error | undefined
  stream.resume().on('error', (error) => {
    failure = error
  })
  if (!stream.closed) await new Promise((resolve) => stream.once('close', resolve))
  if (failure) throw failure
}

async function requestByAgent(plan: Plan, peers: Peers): Promise<void> {
  const proxy = plan.proxy === 'none' ? undefined : `${plan.proxy}://ada:secret@127.0.0.1:${peers.proxyPort}`
  const agent = trustedAgent({ verify: trustOf(plan), proxy })
  const signal = plan.abort === undefined ? undefined : AbortSignal.timeout(plan.abort)
  const request = https.request(urlOf(plan, peers), { agent, timeout: plan.read, signal })
  const closed = new Promise((resolve) => request.once('close', resolve))
  request.on('timeout', () => request.destroy(new Error('silent for too long')))
  request.on('error', () => {})
  request.on('upgrade', (_response, socket) => socket.destroy())
  const read = new Promise<void>((resolve) => {
    request.on('response', (response) => {
      response.on('error', () => {}).once('close', resolve)
      if (plan.reading === 'close') response.destroy()
      else if (plan.reading === 'nothing') request.destroy()
      else response.resume()
    })
    request.once('close', resolve)
  })
  request.end()
  await Promise.all([closed, read])
  agent.destroy()
}

async function connectSocket(plan: Plan, { port }: Peers): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, ...tlsOptions(trustOf({ ...plan, isPinned: false })) })
  const timer = plan.total === undefined ? undefined : setTimeout(() => socket.destroy(), plan.total)
  if (plan.read !== undefined) socket.setTimeout(plan.read, () => socket.destroy())
  socket.on('error', () => {}).resume()
  // At once: nothing of it may be sent before the server is known to be the right one.
  socket.write('GET / HTTP/1.1\r\n\r\n')
  await new Promise((resolve) => socket.once('close', resolve))
  clearTimeout(timer)
}
