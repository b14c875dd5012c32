/** The driver of the fault tests: one fault, asked for in every way, and what must be true afterwards. */
import assert from 'node:assert/strict'
import type { Readable } from 'node:stream'
import type { TestContext } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { get, RequestException, type RequestOptions, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startProxy, type TestProxy } from '../helpers/proxy.ts'
import { type Fault, type FaultyServer, startFaultyServer } from './faulty-server.ts'

/** What a user sees of a fault: an error, or an answer all the same. */
export type Outcome = ExpectedError | { readonly body: string }

export interface ExpectedError {
  readonly name: string
  readonly code: string
  /** What the message says besides the server. */
  readonly message?: RegExp
}

export type Scheme = 'http' | 'https'

export interface Scenario {
  readonly fault: Fault
  readonly outcome: Outcome | ((scheme: Scheme) => Outcome)
  /** Those that end the fault, where nothing else does. */
  readonly options?: RequestOptions | undefined
  /** Default: both. */
  readonly schemes?: readonly Scheme[]
  /** Default: all of {@link WAYS}. */
  readonly ways?: readonly (keyof typeof WAYS)[] | undefined
}

/** How many faults were survived so far, each way counted. */
const survived = { count: 0 }
const resourcesBefore = openResources()

/** For those that are met in another way. */
export function countSurvived(faults = 1): void {
  survived.count += faults
}

/** Meets a fault in every way at once, each with a server of its own. */
export async function survive({ schemes = ['http', 'https'], ways = ALL_WAYS, ...scenario }: Scenario): Promise<void> {
  const meetings = schemes.flatMap((scheme) => ways.map((way) => [scheme, way] as const))
  const possible = meetings.filter(([scheme, way]) => scheme === 'https' || way !== 'tunnel')
  await Promise.all(possible.map(([scheme, way]) => meet(scenario, scheme, way)))
  countSurvived(possible.length)
}

/** To be called when all is done: that no socket, server or timer is left of it, and how much that was. */
export async function assertNothingLeft(t: TestContext): Promise<void> {
  const left = () => openResources().filter((name) => !resourcesBefore.includes(name))
  await eventually(() => left().length === 0, 'something is left open', 10_000).catch((error) =>
    assert.fail(`${error}: ${left()}`),
  )
  t.diagnostic(`faults survived: ${survived.count}`)
}

/** What keeps a process alive, each kind once: the test runner has its own pipes and timers. */
function openResources(): string[] {
  return [...new Set(process.getActiveResourcesInfo())]
}

async function meet({ fault, outcome, options }: Scenario, scheme: Scheme, way: keyof typeof WAYS): Promise<void> {
  await using server = await startFaultyServer({ tls: scheme === 'https' ? { cert, key } : undefined })
  await using proxy = await startProxy({ authenticate: (credentials) => credentials === PROXY_CREDENTIALS })
  await using session = new Session()
  const ask = (more?: RequestOptions) => {
    const all = { verify: authority.certificate, ...SECRETS, ...more }
    return withinBound(`${way} over ${scheme}`, WAYS[way]({ session, proxy }, `${server.url}/?q=1`, all))
  }
  server.fault = fault
  const expected = typeof outcome === 'function' ? outcome(scheme) : outcome
  if ('body' in expected) assert.equal(String(await ask(options)), expected.body)
  else await assert.rejects(ask(options), (error) => isAsExpected(error, expected, server))
  server.fault = undefined
  assert.equal(String(await ask()), 'ok', `the next request, by ${way} over ${scheme}`)
  await session.close()
  // What the functions of the module keep for the next of them is no session's.
  if (way === 'get') server.hangUp()
  await eventually(() => server.open === 0, `${way} over ${scheme} leaves a connection open`)
}

const authority = createAuthority()
const { chain: cert, key } = authority.issue({ hosts: ['127.0.0.1'] })

/** How a request may be made and its body read. */
const WAYS = {
  session: async ({ session }, url, options) => (await session.get(url, options)).content,
  get: async (_client, url, options) => (await get(url, options)).content,
  read: async ({ session }, url, options) => (await session.get(url, { ...options, stream: true })).read(),
  iterate: async ({ session }, url, options) =>
    gather((await session.get(url, { ...options, stream: true })).iterContent()),
  raw: async ({ session }, url, options) => listen((await session.get(url, { ...options, stream: true })).raw),
  tunnel: async ({ session, proxy }, url, options) => {
    const proxies = { https: proxy.url.replace('://', `://ada:${SECRET}@`) }
    return (await session.get(url, { ...options, proxies })).content
  },
} satisfies Record<string, Way>

type Way = (client: { session: Session; proxy: TestProxy }, url: string, options: RequestOptions) => Promise<Buffer>

const ALL_WAYS = Object.keys(WAYS) as (keyof typeof WAYS)[]

/** Without a proxy, which may see a fault before its client does, and tell of it in its own way. */
export const DIRECT = ALL_WAYS.filter((way) => way !== 'tunnel')

async function gather(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of body) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** As one reads who knows nothing but streams: errors are events, and `close` comes in the end. */
function listen(stream: Readable): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let failure: Error | undefined
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('error', (error) => {
      failure = error
    })
    stream.once('close', () => (failure ? reject(failure) : resolve(Buffer.concat(chunks))))
  })
}

/** Wherever a user may have one; it must show nowhere. */
export const SECRET = 'hunter2hunter2'
export const SECRETS: RequestOptions = { auth: ['ada', SECRET], cookies: { c: SECRET } }
const PROXY_CREDENTIALS = `Basic ${btoa(`ada:${SECRET}`)}`

function isAsExpected(error: unknown, { name, code, message = /(?:)/ }: ExpectedError, { port }: FaultyServer): true {
  assert(error instanceof RequestException, inspect(error))
  assert.deepEqual([error.name, error.code], [name, code], inspect(error))
  assert.match(error.message, message)
  assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}\\b`), 'names the server')
  assert.equal(error.request?.method, 'GET')
  assertDiscreet(error)
  return true
}

/** No secrets of the user, and no bytes of the server, in the error or in what hangs on it. */
export function assertDiscreet(error: unknown): void {
  const everything = inspect(error, { depth: 9, showHidden: true, maxArrayLength: null })
  for (const secret of [SECRET, btoa(`ada:${SECRET}`)]) assert(!everything.includes(secret), everything)
  for (let cause = error; cause instanceof Error; cause = cause.cause) assert(!('rawPacket' in cause))
}

/** Far more than anything takes here: a wait without an end must fail as such. */
export async function withinBound<T>(what: string, work: Promise<T>): Promise<T> {
  const timer = new AbortController()
  const bound = delay(BOUND, undefined, { signal: timer.signal }).then(() => assert.fail(`${what}: no end in sight`))
  try {
    return await Promise.race([work, bound])
  } finally {
    timer.abort()
    bound.catch(() => {})
  }
}

/** ms */
const BOUND = 60_000
