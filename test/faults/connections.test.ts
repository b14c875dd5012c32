/** Connections that end when they are used, answers that come too late, names that lead nowhere. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import dns from 'node:dns'
import type { Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, type TestContext, test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { ConnectionError, type RequestOptions, Session } from '../../src/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { onLinux } from '../helpers/platform.ts'
import { type Handler, startHttpServer, startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { silence } from './silence.ts'
import { assertNothingLeft, countSurvived } from './survive.ts'

const ca = createAuthority()
const { chain: cert, key } = ca.issue({ hosts: ['localhost', '127.0.0.1'] })

const SERVERS: Record<string, (handler: Handler) => Promise<TestServer>> = {
  http: (handler) => startHttpServer({ handler }),
  https: (handler) => startHttpsServer({ cert, key, handler }),
}

/**
 * Answers the first request of a connection with what it is sent, and hangs up at once, or some turns of the event loop later:
 * a request that comes meanwhile is read, and gets no answer.
 */
async function startLeaving(start: (handler: Handler) => Promise<TestServer>) {
  const seen: string[] = []
  const leaving = new WeakSet<Socket>()
  const server = await start(async (request, response) => {
    const { socket, url = '' } = request
    const nonce = new URL(url, 'http://localhost').searchParams.get('nonce') ?? ''
    await text(request)
    seen.push(nonce)
    if (leaving.has(socket)) {
      socket.destroy()
      return
    }
    leaving.add(socket)
    response.end(nonce)
    for (let turns = seen.length % 20; turns > 0; turns--) await setImmediate()
    socket.destroySoon()
  })
  return { server, seen }
}

const ROUNDS = 300
const AT_ONCE = 4

/** Each round: a request, then some turns of the event loop, so that the next meets the end of its connection anyhow. */
async function ask(round: (nonce: string) => Promise<void>): Promise<void> {
  const client = async (index: number) => {
    for (let turn = 0; turn < ROUNDS; turn++) {
      await round(randomUUID())
      for (let turns = (turn * AT_ONCE + index) % 23; turns > 0; turns--) await setImmediate()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, (_, index) => client(index)))
  countSurvived(ROUNDS * AT_ONCE)
}

describe('connections that the server ends while the next request goes out', () => {
  for (const [scheme, start] of Object.entries(SERVERS)) {
    test(`fail no GET over ${scheme}`, async () => {
      const { server: leaving } = await startLeaving(start)
      await using server = leaving
      await using session = new Session({ verify: ca.certificate })
      await ask(async (nonce) => {
        assert.equal((await session.get(server.url127, { params: { nonce } })).text, nonce)
      })
    })

    test(`make no POST over ${scheme} be sent twice, or be taken for another`, async () => {
      const { server: leaving, seen } = await startLeaving(start)
      await using server = leaving
      await using session = new Session({ verify: ca.certificate })
      await ask(async (nonce) => {
        const answer = await session.post(server.url127, { params: { nonce }, data: 'pay' }).catch((error: unknown) => {
          assert(error instanceof ConnectionError)
          assert(['ECONNRESET', 'EPIPE'].includes(error.code))
        })
        if (answer) assert.equal(answer.text, nonce)
      })
      assert.equal(new Set(seen).size, seen.length)
    })
  }
})

/** How a client may lose its patience; `arrived` is called when the server has its request. */
const WAYS_TO_GIVE_UP: Record<string, () => { options: RequestOptions; arrived?: () => void; name: string }> = {
  'aborts it': () => {
    const controller = new AbortController()
    return { options: { signal: controller.signal }, arrived: () => controller.abort(), name: 'AbortError' }
  },
  'has waited long enough for the server': () => ({ options: { timeout: { read: 20 } }, name: 'ReadTimeout' }),
  'has waited long enough for all': () => ({ options: { timeout: { total: 20 } }, name: 'Timeout' }),
}

describe('a response that arrives after its client has aborted the request', () => {
  for (const [scheme, start] of Object.entries(SERVERS)) {
    for (const [how, prepare] of Object.entries(WAYS_TO_GIVE_UP)) {
      test(`over ${scheme}, because it ${how}, is given to no other request`, async () => {
        let arrived: (() => void) | undefined
        const late: (() => void)[] = []
        await using server = await start((request, response) => {
          const answer = () => void response.end(request.url)
          if (request.url !== '/late') return answer()
          late.push(answer)
          arrived?.()
        })
        await using session = new Session({ verify: ca.certificate })
        for (let round = 0; round < 20; round++) {
          assert.equal((await session.get(`${server.url127}/before`)).text, '/before')
          const { options, name, ...way } = prepare()
          arrived = way.arrived
          await assert.rejects(session.get(`${server.url127}/late`, options), { name })
          for (const answer of late.splice(0)) answer()
          assert.equal((await session.get(`${server.url127}/after`)).text, '/after')
          countSurvived()
        }
        await session.close()
        await eventually(() => server.open === 0, 'a connection is left open')
      })
    }
  }
})

/** Has a name resolve to these addresses, or fail with this code, for the rest of the test. */
function resolveTo(t: TestContext, answer: readonly string[] | string): void {
  t.mock.method(dns, 'lookup', (name: string, _options: dns.LookupAllOptions, callback: LookupCallback) => {
    if (typeof answer !== 'string') callback(null, answer.map(toAddress))
    else callback(Object.assign(new Error(`getaddrinfo ${answer} ${name}`), { code: answer, syscall: 'getaddrinfo' }))
  })
}

type LookupCallback = (error: Error | null, addresses?: dns.LookupAddress[]) => void

const toAddress = (address: string): dns.LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 })

describe('a name', () => {
  test('of many addresses is reached by the one that answers, and its certificate is checked by the name', async (t) => {
    await using server = await startHttpsServer({ cert, key, handler: (_request, response) => void response.end('ok') })
    const url = `https://localhost:${server.port}/`
    resolveTo(t, ['127.0.0.2', '::1', '127.0.0.3', '127.0.0.1'])
    await using session = new Session({ verify: ca.certificate })
    assert.equal((await session.get(url)).text, 'ok')
    await assert.rejects(session.get(`https://other.test:${server.port}/`), { reason: 'hostname-mismatch' })
    countSurvived()
  })

  test(
    'whose first addresses do not answer is reached all the same, and within the limit or not at all',
    onLinux,
    async (t) => {
      await using server = await startHttpsServer({
        cert,
        key,
        handler: (_request, response) => void response.end('ok'),
      })
      await using _first = await silence('127.0.0.2', server.port)
      await using _second = await silence('127.0.0.3', server.port)
      await using session = new Session({ verify: ca.certificate })
      const url = `https://localhost:${server.port}/`
      resolveTo(t, ['127.0.0.2', '127.0.0.3'])
      await assert.rejects(session.get(url, { timeout: { connect: 300 } }), {
        name: 'ConnectTimeout',
        message: `Connection to localhost:${server.port} timed out. (connect timeout=300 ms)`,
      })
      t.mock.restoreAll()
      resolveTo(t, ['127.0.0.2', '127.0.0.3', '127.0.0.1'])
      assert.equal((await session.get(url)).text, 'ok')
      countSurvived(2)
    },
  )

  test('of many addresses that all refuse is a ConnectionError, and nothing is left of the attempts', async (t) => {
    const server = await startHttpServer()
    await server.close()
    resolveTo(t, ['127.0.0.2', '::1', '127.0.0.3'])
    await using session = new Session()
    await assert.rejects(session.get(`http://many.test:${server.port}/`), {
      name: 'ConnectionError',
      code: 'ECONNREFUSED',
      message: `Failed to establish a new connection to many.test:${server.port}: ${['127.0.0.2', '::1', '127.0.0.3'].map((each) => `${each}: connection refused: nothing listens there`).join('; ')}`,
    })
    countSurvived()
  })

  for (const [code, words] of [
    ['ENOTFOUND', 'the name does not resolve'],
    ['EAI_AGAIN', 'the name does not resolve now (DNS failed for the moment)'],
    ['ESERVFAIL', 'getaddrinfo ESERVFAIL localhost'],
  ] as const) {
    test(`that does not resolve (${code}) is a ConnectionError, and is looked up again for the next request`, async (t) => {
      await using server = await startHttpServer({ handler: (_request, response) => void response.end('ok') })
      await using session = new Session()
      resolveTo(t, code)
      await assert.rejects(session.get(server.url), (error) => {
        assert(error instanceof ConnectionError)
        assert.equal(error.code, code)
        assert(error.message.endsWith(`localhost:${server.port}: ${words}`), error.message)
        return true
      })
      t.mock.restoreAll()
      assert.equal((await session.get(server.url)).text, 'ok')
      countSurvived()
    })
  }
})

test('they leave nothing behind', assertNothingLeft)
