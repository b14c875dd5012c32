/** Connections that break after a response began: half a body never passes as a whole one, and no error is uncaught. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, readdirSync } from 'node:fs'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import {
  ChunkedEncodingError,
  get,
  HTTPAdapter,
  post,
  ReadTimeout,
  type RequestException,
  type RequestOptions,
  Session,
  SSLError,
} from '../../src/index.ts'
import { vouch } from '../cli/vouch.ts'
import { eventually } from '../helpers/eventually.ts'
import { createAuthority } from '../helpers/pki.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { FRAMINGS, type Framing, halfResponse, startTamperedServer, type Tampering } from './tampering.ts'

const authority = createAuthority()
const { chain: cert, key } = authority.issue({ hosts: ['127.0.0.1'] })
const verify = authority.certificate

/** What an attacker in transit can insert into a connection, without its keys. */
const RECORDS: Readonly<Record<string, Buffer>> = {
  'a record that is not of the connection': Buffer.from(`1703030010${'00'.repeat(16)}`, 'hex'),
  'an alert in plain text': Buffer.from('15030300020228', 'hex'),
  'a warning in plain text': Buffer.from('15030300020100', 'hex'),
  'a record that is too large': Buffer.concat([Buffer.from('170303ffff', 'hex'), Buffer.alloc(0xffff)]),
  'an empty record': Buffer.from('1703030000', 'hex'),
  'a record of an unknown type': Buffer.from('63030300020000', 'hex'),
  'HTTP in plain text': Buffer.from('HTTP/1.1 500 x\r\n\r\n'),
}

/** Reads a response in one of the ways there are; `true`: with `stream`. */
const WAYS: Readonly<Record<string, (url: string, options: RequestOptions) => Promise<unknown>>> = {
  whole: (url, options) => get(url, options),
  read: async (url, options) => (await get(url, { ...options, stream: true })).read(),
  lines: async (url, options) => {
    for await (const _line of (await get(url, { ...options, stream: true })).iterLines());
  },
  raw: async (url, options) => (await get(url, { ...options, stream: true })).raw.toArray(),
}

/** The error of each way, and of requests of a session that can be used again afterwards. */
async function failsWith(
  type: typeof RequestException,
  scheme: 'http' | 'https',
  framing: Framing,
  tampering: Tampering,
  options: RequestOptions & { version?: 'TLSv1.2' | 'TLSv1.3'; after?: number } = {},
): Promise<void> {
  const { version, after, ...rest } = options
  const tls = scheme === 'https' ? { cert, key, ...(version && { maxVersion: version }) } : undefined
  for (const [way, ask] of Object.entries(WAYS)) {
    const response = halfResponse(framing)
    await using server = await startTamperedServer({ tls, response, tampering, ...(after !== undefined && { after }) })
    const asked = ask(`${scheme}://127.0.0.1:${server.port}/`, { verify, ...rest })
    await assert.rejects(asked, (error) => error instanceof type, `${way}, ${framing}`)
    await eventually(() => server.open === 0, 'the connection is left open')
  }
}

describe('inserted into a response', { concurrency: 4 }, () => {
  for (const [what, bytes] of Object.entries(RECORDS)) {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      test(`${what} is an SSLError, never half a body and never uncaught (${version})`, async () => {
        // An empty record, and in TLS 1.2 an alert that is no error, means nothing: it is read over, or breaks what follows.
        for (const framing of FRAMINGS) await failsWith(SSLError, 'https', framing, bytes, { version })
        await failsWith(SSLError, 'https', 'close', bytes, { version, after: 30 })
      })
    }
  }
})

for (const scheme of ['http', 'https'] as const) {
  test(`a reset is no end of a body, however its end is framed (${scheme})`, async () => {
    for (const framing of FRAMINGS) await failsWith(ChunkedEncodingError, scheme, framing, 'rst')
  })

  test(`a server that is silent in the middle of a body is a ReadTimeout, however its end is framed (${scheme})`, async () => {
    for (const framing of FRAMINGS) {
      await failsWith(ReadTimeout, scheme, framing, 'silence', { timeout: { read: 40 } })
    }
  })
}

test('a reset is no end of the response to an upload either, unless a server refuses it without TLS', async () => {
  const tampering = 'rst'
  const upload = async (status: string, tls?: { cert: string; key: string }) => {
    await using server = await startTamperedServer({ tls, response: halfResponse('close', status), tampering })
    return (await post(`${tls ? 'https' : 'http'}://127.0.0.1:${server.port}/`, { data: 'upload', verify })).text
  }
  await assert.rejects(upload('200 OK'), ChunkedEncodingError)
  await assert.rejects(upload('413 Too Large', { cert, key }), ChunkedEncodingError)
  // The system resets the connection of a server that closes it before it has read the upload.
  assert.equal(await upload('413 Too Large'), 'half')
})

test('a redirect whose body is silent is a ReadTimeout as well, at every hop', async () => {
  const response = halfResponse('close', '302 Found', 'Location: /next\r\n')
  await using server = await startTamperedServer({ response, tampering: 'silence' })
  await assert.rejects(get(`http://127.0.0.1:${server.port}/`, { timeout: { read: 40 } }), ReadTimeout)
})

test('an end of TCP without the end of TLS passes as the end of a body without a length: Node does not tell the two apart', async () => {
  const response = halfResponse('close')
  await using server = await startTamperedServer({ tls: { cert, key }, response, tampering: 'fin' })
  assert.equal((await get(`https://127.0.0.1:${server.port}/`, { verify })).text, 'half')
  // With a length, or chunks, it does not.
  for (const framing of ['length', 'chunked'] as const) {
    await failsWith(ChunkedEncodingError, 'https', framing, 'fin')
  }
})

test('the command line exits with 3 and leaves no half file, and no stack trace', async () => {
  using dir = tempDir()
  for (const [tampering, options, words] of [
    ['rst', '', /Connection broken/],
    ['silence', '--timeout 0.2 ', /timed out/],
  ] as const) {
    await using server = await startTamperedServer({ response: halfResponse('close'), tampering })
    const url = `http://127.0.0.1:${server.port}/`
    for (const output of ['-o file ', '']) {
      const { status, stderr } = await vouch(dir, `get ${options}${output}${url}`)
      assert.equal(status, 3, stderr)
      assert.match(stderr, words)
      assert.doesNotMatch(stderr, /\n {4}at |node:/)
      assert(!existsSync(dir.join('file')))
      assert.deepEqual(readdirSync(dir.path), [])
    }
  }
})

test('an abort, or a limit, in the moment in which a body ends is not uncaught', async () => {
  await using server = await startHttpServer({ handler: (_request, response) => response.end('ok') })
  for (const when of ['end', 'close', 'last chunk'] as const) {
    const controller = new AbortController()
    const adapter = new HTTPAdapter()
    await using session = new Session()
    session.mount('http://', {
      async send(request, settings) {
        const answer = await adapter.send(request, settings)
        const event = when === 'last chunk' ? 'data' : when
        answer.body.on(event, () => controller.abort())
        return answer
      },
      close: () => adapter.close(),
    })
    await session.get(server.url, { signal: controller.signal }).catch((error) => {
      assert.equal(error, controller.signal.reason)
    })
    // Errors of streams come a tick after they occurred.
    await delay(5)
    adapter.close()
  }
})
