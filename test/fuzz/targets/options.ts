/** Options of any shape: an error of ours or for a wrong argument comes out, or an answer. */
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { after } from 'node:test'
import fc from 'fast-check'
import { REQUEST_OPTIONS } from '../../../src/client/settings.ts'
import { type Adapter, HTTPAdapter, type RequestOptions, Session, type SessionOptions } from '../../../src/index.ts'
import { toTrust, type Verify } from '../../../src/trust/verify.ts'
import { startHttpServer } from '../../helpers/servers.ts'
import { FOUND_ADAPTERS } from '../found.ts'
import { assertExpected, attempt, type Target, target } from '../harness.ts'

/** Answers everything, and asks for credentials where there are none. */
const anywhere: Adapter = {
  async send({ body, headers }) {
    if (body !== undefined && !Buffer.isBuffer(body)) for await (const _ of body);
    const statusCode = headers.has('Authorization') ? 200 : 401
    const rawHeaders = ['WWW-Authenticate', 'Basic', 'Set-Cookie', 'a=1']
    return { statusCode, reason: '', rawHeaders, body: Readable.from(['{}']), tls: null }
  },
  close() {},
}

const odd = fc.oneof(
  fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withTypedArray: true,
    withNullPrototype: true,
  }),
  fc.constantFrom<unknown[]>(
    ...['', 'x', '/nowhere', '-----BEGIN CERTIFICATE-----', 'http://a.test/', 'a\nb', '\ud800'],
    ...[
      0,
      -1,
      1.5,
      Number.POSITIVE_INFINITY,
      Number.NaN,
      5n,
      Symbol('s'),
      () => undefined,
      async () => {},
      /x/,
      new Error('x'),
    ],
    ...[new URL('file:///nowhere'), new URL('https://a.test/'), new Uint8Array(3), new ArrayBuffer(2), new Headers()],
    ...[new URLSearchParams('a=1'), new Blob(['x']), AbortSignal.abort(), new AbortController(), Promise.resolve(1)],
    ...[
      Object.create({ a: 1 }),
      [[]],
      [['a', 'b']],
      [['a']],
      { a: { b: 'c' } },
      { response: [() => null] },
      new Map([[1, 2]]),
    ],
    ...[['a', 'b'], ['ada', 'x'], { connect: 1 }, { read: 'x' }, { http: 'socks://x' }, { cert: '' }, { pfx: 5 }],
  ),
)

/** The name of the option, and its value; those that are read when their turn comes among them. */
const options = <T extends string>(names: readonly T[]) =>
  fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom<string[]>(...names) }, fc.string()), odd, {
    maxKeys: 3,
  })

const REQUEST = [...REQUEST_OPTIONS]
const SESSION = [
  'headers',
  'auth',
  'params',
  'verify',
  'cert',
  'cookies',
  'timeout',
  'proxies',
  'stream',
  'hooks',
  'maxRedirects',
]

function session(): Session {
  const session = new Session({ trustEnv: false })
  for (const prefix of ['http://', 'https://']) session.mount(prefix, anywhere)
  return session
}

async function ask(session: Session, method: unknown, url: unknown, given: unknown): Promise<void> {
  try {
    const answer = session.request(method as string, url as string, given as RequestOptions)
    assert(answer instanceof Promise)
    await answer
  } catch (error) {
    // The reason of an aborted signal is the user's own.
    if (!(error instanceof DOMException && error.name === 'AbortError')) assertExpected(error)
  }
}

const requests = target('options of a request', fc.oneof(options(REQUEST), odd), async (given) => {
  await ask(session(), 'POST', 'https://a.test/', given)
})

const calls = target('method and URL', fc.tuple(odd, odd), async ([method, url]) => {
  await ask(session(), method, 'http://a.test/', {})
  await ask(session(), 'GET', url, {})
})

const sessions = target(
  'options of a session',
  fc.oneof(options([...SESSION, 'trustEnv', 'expiryWarning']), odd),
  async (given) => {
    const session = attempt(() => new Session(given as SessionOptions))
    session?.mount('https://', anywhere)
    if (session) await ask(session, 'GET', 'https://a.test/', {})
  },
)

const server = await startHttpServer()
const real = new Session({ trustEnv: false })
after(() => Promise.all([real.close(), server.close()]))

/** Proxies are left out: they could be anywhere. */
const wire = options(REQUEST.filter((name) => name !== 'proxies'))

const exchanges = target(
  'options of a request that is sent',
  fc.tuple(fc.constantFrom('GET', 'POST', 'HEAD'), wire),
  ([method, given]) => ask(real, method, server.url127, given),
)

const ADAPTER = ['poolConnections', 'poolMaxsize', 'poolBlock', 'keepAliveTimeout', 'maxRetries']
const RETRIES = ['total', 'connect', 'read', 'statusForcelist', 'backoffFactor', 'allowedMethods', 'respectRetryAfter']
const retries = options(RETRIES).map((maxRetries) => ({ maxRetries }))

const checkAdapter = (given: unknown) => void attempt(() => new HTTPAdapter(given as object))
const given = fc.oneof<fc.Arbitrary<unknown>[]>(options(ADAPTER), retries, odd)
const adapters = target('options of an adapter', given, checkAdapter, FOUND_ADAPTERS)

const trusts = target('verify', fc.oneof(odd, fc.array(odd)), (verify) => {
  const trust = attempt(() => toTrust(verify as Verify, 'call'))
  // Nothing but `false` switches verification off.
  assert.equal(trust?.kind === 'insecure', verify === false)
})

export const OPTIONS: readonly Target[] = [requests, calls, sessions, exchanges, adapters, trusts]
