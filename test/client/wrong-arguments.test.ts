/** What is given wrongly is refused where it is given, and nothing of it is left open. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createReadStream } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { type Adapter, disableWarnings, post, Request, type RequestOptions, Session } from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const wrong: [what: string, make: () => unknown, message: RegExp][] = [
  ['params of a session', () => new Session({ params: 5 as never }), /params/],
  ['auth of a session', () => new Session({ auth: 'x' as never }), /auth/],
  ['proxies of a session', () => new Session({ proxies: 'http://p' as never }), /proxies must be an object/],
  ['an adapter without methods', () => new Session().mount('https://', {} as Adapter), /methods send and close/],
  ['an option of Request', () => new Request('GET', 'http://x/', { heders: {} } as object), /did you mean "headers"/],
  [
    'an option of another place',
    () => new Request('GET', 'http://x/', { verify: 'x' } as object),
    /no option "verify"/,
  ],
  ['the name of a warning', () => disableWarnings('InsecureReqestWarning' as never), /there is no warning/],
]

for (const [what, make, message] of wrong) {
  test(`${what} that is wrong is a TypeError at once`, () => {
    assert.throws(make, { name: 'TypeError', message })
  })
}

test('options that are undefined are as if they were not given, for sessions too', () => {
  const session = new Session({ verify: undefined, timeout: undefined, headers: undefined, stream: undefined })
  assert.deepEqual([session.verify, session.timeout, session.stream], [true, null, false])
})

test('an auth that gives back null changes nothing', async () => {
  await using server = await startHttpServer()
  assert((await post(server.url127, { auth: (() => null) as never })).ok)
})

const bad: [what: string, url: string, options: RequestOptions][] = [
  ['no scheme', 'x.test', {}],
  ['a header that cannot be sent', 'http://x.test/', { headers: { a: 'b\nc' } }],
  ['an unknown option', 'http://x.test/', { tiemout: 5 } as object],
  ['a time limit of 0', 'http://x.test/', { timeout: 0 }],
  [
    'an auth that throws',
    'http://x.test/',
    {
      auth: () => {
        throw new Error('no')
      },
    },
  ],
]

for (const [what, url, options] of bad) {
  test(`a web stream of a request that cannot be made is cancelled: ${what}`, async () => {
    let cancelled = 0
    const stream = () => new ReadableStream({ cancel: () => void cancelled++ })
    await assert.rejects(post(url, { ...options, data: stream() }))
    await assert.rejects(post(url, { ...options, files: { a: stream(), b: ['n', stream()] } }))
    assert.equal(cancelled, 3)
  })

  test(`the streams of a request that cannot be made are closed: ${what}`, async () => {
    using dir = tempDir()
    const path = dir.write('file', 'content')
    for (const name of ['file', 'missing']) {
      const streams = [createReadStream(path), createReadStream(dir.join(name)), createReadStream(path)] as const
      await assert.rejects(post(url, { ...options, data: streams[0] }))
      await assert.rejects(post(url, { ...options, files: { a: streams[1], b: ['n', streams[2]] } }))
      // An error without a listener would end the process.
      await delay(20)
      assert.deepEqual(
        streams.map(({ destroyed }) => destroyed),
        [true, true, true],
      )
    }
  })
}
