import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, createReadStream } from 'node:fs'
import { test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { HTTPDigestAuth, Session, UnrewindableBodyError } from '../../src/index.ts'
import { PASSWORD, startDigestServer, USER } from '../helpers/digest.ts'
import { outputOf } from '../helpers/processes.ts'
import { hasProgram, type RunningProgram, startProgram, whyNo } from '../helpers/programs.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const ALGORITHMS = ['MD5', 'SHA', 'SHA-256', 'SHA-512', 'SHA-512-256'].flatMap((name) => [name, `${name}-sess`])

const digest = () => new HTTPDigestAuth(USER, PASSWORD)

for (const algorithm of [undefined, ...ALGORITHMS]) {
  for (const qop of ['auth', 'auth-int,auth', null]) {
    test(`a server that asks for ${algorithm ?? 'no algorithm'}, qop ${qop}, is answered, and again without asking`, async () => {
      await using server = await startDigestServer({ algorithm, qop })
      await using session = new Session({ auth: digest() })
      const first = await session.get(`${server.url127}/a?b=c%20d`)
      assert.deepEqual([first.statusCode, first.text], [200, 'GET '])
      assert.equal((await session.put(`${server.url127}/b`, { data: 'x' })).text, 'PUT x')
      assert.deepEqual(
        server.log.map(({ status }) => status),
        [401, 200, 200],
      )
      assert.equal(server.connections, 1)
    })
  }
}

test('the refusal is the history, and hooks see the answer only', async () => {
  await using server = await startDigestServer()
  await using session = new Session()
  const seen: number[] = []
  const response = await session.get(server.url127, {
    auth: digest(),
    hooks: { response: ({ statusCode }) => void seen.push(statusCode) },
  })
  assert.deepEqual(
    response.history.map(({ statusCode, text }) => [statusCode, text]),
    [[401, 'who are you?']],
  )
  assert.deepEqual(seen, [200])
})

test('credentials that are refused are not tried again, and the refusal is the response', async () => {
  await using server = await startDigestServer()
  await using session = new Session({ auth: new HTTPDigestAuth(USER, 'wrong') })
  for (const requests of [2, 4]) {
    const response = await session.get(server.url127)
    assert.deepEqual([response.statusCode, response.text], [401, 'who are you?'])
    assert.equal(server.log.length, requests)
  }
})

test('a nonce that is used up is replaced by the one that the server names', async () => {
  await using server = await startDigestServer({ uses: 2 })
  await using session = new Session({ auth: digest() })
  for (let count = 0; count < 5; count++) assert.equal((await session.get(server.url127)).statusCode, 200)
  assert.deepEqual(
    server.log.map(({ status, nc }) => [status, nc && Number.parseInt(nc, 16)]),
    [
      [401, undefined],
      [200, 1],
      [200, 2],
      [401, 3],
      [200, 1],
      [200, 2],
      [401, 3],
      [200, 1],
    ],
  )
})

test('requests at the same time never use a count twice', async () => {
  await using server = await startDigestServer()
  await using session = new Session({ auth: digest() })
  await session.get(server.url127)
  const responses = await Promise.all(Array.from({ length: 40 }, () => session.get(server.url127)))
  assert(responses.every(({ statusCode }) => statusCode === 200))
  assert.deepEqual(new Set(server.log.map(({ nc }) => nc)).size, 42)
})

test('a first burst of requests is answered, each by its own challenge', async () => {
  await using server = await startDigestServer({ algorithm: 'SHA-256' })
  await using session = new Session({ auth: digest() })
  const responses = await Promise.all(Array.from({ length: 20 }, () => session.get(server.url127)))
  assert(responses.every(({ statusCode }) => statusCode === 200))
})

test('a body in memory and the file of a stream are sent again', async () => {
  await using server = await startDigestServer()
  using dir = tempDir()
  const file = dir.write('body.txt', 'of a file')
  const bodies = [{ data: 'text' }, { json: { a: 1 } }, { data: createReadStream(file) }]
  for (const [index, body] of bodies.entries()) {
    await using session = new Session({ auth: digest() })
    const expected = ['POST text', 'POST {"a":1}', 'POST of a file'][index]
    assert.equal((await session.post(server.url127, body)).text, expected)
  }
})

test('a stream that was sent cannot answer a challenge: UnrewindableBodyError; a known challenge needs no second try', async () => {
  await using server = await startDigestServer()
  await using session = new Session({ auth: digest() })
  const stream = async function* () {
    yield 'piece'
  }
  await assert.rejects(session.post(server.url127, { data: stream() }), (error: Error) => {
    assert(error instanceof UnrewindableBodyError)
    assert.match(error.message, /challenge/)
    return true
  })
  await session.get(server.url127)
  assert.equal((await session.post(server.url127, { data: stream() })).text, 'POST piece')
})

test('a redirect to the same origin is challenged anew, and answered for its own URL', async () => {
  await using server = await startDigestServer({
    handler: ({ url }, response) =>
      url === '/from' ? response.writeHead(302, { Location: '/to' }).end() : response.end('arrived'),
  })
  await using session = new Session()
  const response = await session.get(`${server.url127}/from`, { auth: digest() })
  assert.equal(response.text, 'arrived')
  assert.deepEqual(
    response.history.map(({ statusCode }) => statusCode),
    [302],
  )
  assert.deepEqual(
    server.log.map(({ url, status, nc }) => [url, status, nc !== undefined]),
    [
      ['/from', 401, false],
      ['/from', 302, true],
      ['/to', 401, false],
      ['/to', 200, true],
    ],
  )
})

test('another origin that a redirect leads to gets no credentials, also when it asks for them', async () => {
  await using other = await startDigestServer()
  await using server = await startDigestServer({
    handler: (_request, response) => response.writeHead(307, { Location: other.url }).end(),
  })
  await using session = new Session({ auth: digest() })
  const response = await session.get(server.url127)
  assert.equal(response.statusCode, 401)
  assert.deepEqual(
    other.log.map(({ nonce }) => nonce),
    [undefined],
  )
})

test('cookies that come with the refusal go along with the answer', async () => {
  await using server = await startDigestServer({
    refusalHeaders: { 'Set-Cookie': 'visit=1' },
    handler: ({ headers }, response) => response.end(headers.cookie),
  })
  await using session = new Session({ auth: digest() })
  assert.equal((await session.get(server.url127)).text, 'visit=1')
})

test('any refusal (4xx) with a challenge is answered, and nothing else', async () => {
  const challenge = 'Digest realm="r", nonce="n"'
  await using server = await startHttpServer({
    handler: ({ url, headers }, response) => {
      const status = headers.authorization ? 204 : Number(url?.slice(1))
      response.writeHead(status, { 'WWW-Authenticate': challenge }).end()
    },
  })
  const statuses: number[] = []
  for (const status of [200, 400, 401, 403, 500]) {
    await using session = new Session({ auth: digest() })
    statuses.push((await session.get(`${server.url127}/${status}`)).statusCode)
  }
  assert.deepEqual(statuses, [200, 204, 204, 204, 500])
})

test('an auth of the user can answer a challenge, and take its time', async () => {
  await using server = await startHttpServer({
    handler: ({ headers }, response) => {
      if (headers.authorization === 'Bearer fresh') response.end('welcome')
      else response.writeHead(401, { 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end()
    },
  })
  let token = 'expired'
  const auth = {
    apply: (request: { headers: { set(name: string, value: string): unknown } }) => {
      request.headers.set('Authorization', `Bearer ${token}`)
    },
    answer: async (
      request: { headers: { set(name: string, value: string): unknown } },
      challenges: readonly string[],
    ): Promise<boolean> => {
      assert.deepEqual(challenges, ['Bearer error="invalid_token"'])
      await setTimeout(1)
      token = 'fresh'
      request.headers.set('Authorization', `Bearer ${token}`)
      return true
    },
  }
  await using session = new Session({ auth })
  const first = await session.get(server.url127)
  assert.deepEqual([first.text, first.history.length], ['welcome', 1])
  const second = await session.get(server.url127)
  assert.deepEqual([second.text, second.history.length], ['welcome', 0])
})

test('neither the total limit nor a signal waits for an auth that takes its time', async () => {
  await using server = await startHttpServer({
    handler: (_request, response) => response.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end(),
  })
  const never = () => new Promise<never>(() => {})
  await using session = new Session()
  for (const auth of [never, { apply: () => {}, answer: never }]) {
    await assert.rejects(session.get(server.url127, { auth, timeout: { total: 50 } }), { name: 'Timeout' })
    const controller = new AbortController()
    const reason = new Error('changed my mind')
    const request = session.get(server.url127, { auth, signal: controller.signal })
    void setTimeout(20).then(() => controller.abort(reason))
    await assert.rejects(request, reason)
    await assert.rejects(session.get(server.url127, { auth, signal: AbortSignal.abort(reason) }), reason)
  }
})

// The checks of the server above are checked by other clients, and the client by another server.

test('curl passes the same checks', { skip: !hasProgram('curl') && 'no curl' }, async () => {
  // curl 7.88 knows no SHA-512-256 in some builds, and no SHA or SHA-512 in any.
  for (const algorithm of ['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess']) {
    await using server = await startDigestServer({ algorithm })
    const request = ['-s', '--digest', '-u', `${USER}:${PASSWORD}`, `${server.url127}/a?b=c`]
    assert.equal(await outputOf('curl', request), 'GET ', algorithm)
  }
})

test('Apache takes our credentials, and counts them', { skip: whyNo('apache2') }, async () => {
  await using apache = await startApache()
  const url = `http://127.0.0.1:${apache.port}/`
  await using session = new Session({ auth: new HTTPDigestAuth('ada', 'größer') })
  const statuses = [(await session.get(`${url}a`)).statusCode, (await session.get(`${url}a?b=1`)).statusCode]
  assert.deepEqual(statuses, [404, 404])
  await using stranger = new Session({ auth: new HTTPDigestAuth('ada', 'wrong') })
  assert.equal((await stranger.get(url)).statusCode, 401)
})

/** Apache that lets in `ada`, `größer`: what it has is 404, what it refuses 401. */
function startApache(): Promise<RunningProgram> {
  return startProgram((port, dir) => {
    // Apache reads as www-data when root starts it.
    chmodSync(dir.path, 0o755)
    const secret = createHash('md5').update('ada:apache:größer').digest('hex')
    const modules = '/usr/lib/apache2/modules'
    const users = dir.write('users', `ada:apache:${secret}\n`)
    const config = [
      ...['mpm_event', 'authn_core', 'authn_file', 'authz_core', 'authz_user', 'auth_digest'].map(
        (name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`,
      ),
      `ServerRoot ${dir.path}`,
      'ServerName localhost',
      `Listen 127.0.0.1:${port}`,
      `PidFile ${dir.path}/pid`,
      `ErrorLog ${dir.path}/error.log`,
      `DefaultRuntimeDir ${dir.path}`,
      `Mutex file:${dir.path}`,
      `DocumentRoot ${dir.path}`,
      'User www-data',
      'Group www-data',
      '<Location "/">',
      'AuthType Digest',
      'AuthName apache',
      'AuthDigestDomain /',
      `AuthUserFile ${users}`,
      'Require valid-user',
      '</Location>',
    ]
    return ['apache2', '-X', '-f', dir.write('httpd.conf', `${config.join('\n')}\n`)]
  })
}

for (const [challenge, expected] of [
  ['realm=my realm, nonce=dcd98b==, qop=auth', /realm="my realm", nonce="dcd98b==".*qop=auth, nc=00000001/],
  ['realm="r", nonce="n", qop=""', /^(?!.*(?:qop|nc|cnonce)=)Digest username="ada", realm="r", nonce="n"/],
  ['realm="r", nonce=a+b/c:d@e, algorithm=', /^(?!.*algorithm=).*nonce="a\+b\/c:d@e"/],
] as const) {
  test(`the challenge ${challenge} is answered with its whole values`, async () => {
    await using server = await startHttpServer({
      handler: (request, response) => {
        const { authorization } = request.headers
        if (authorization === undefined) response.writeHead(401, { 'WWW-Authenticate': `Digest ${challenge}` }).end()
        else response.end(authorization)
      },
    })
    await using session = new Session({ auth: digest() })
    assert.match((await session.get(server.url127)).text, expected)
  })
}
