/** `vouch get`: what goes to stdout, into a file, onto a terminal, and what is said when it does not. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { lstatSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { buffer } from 'node:stream/consumers'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, encryptKey, toPkcs12 } from '../helpers/pki.ts'
import { asRoot, isWindows, onLinux, onPosix } from '../helpers/platform.ts'
import { makeFifo, outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { type Echo, type Handler, startHttpServer, startHttpsServer } from '../helpers/servers.ts'
import { startTcpServer } from '../helpers/tcp.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'
import { main, onTerminal, shell, vouch, withTerminal } from './vouch.ts'

const root = createAuthority({ commonName: 'Team CA' })
const pair = root.issue({ hosts: ['localhost', '127.0.0.1'] })
const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256))

/** A page for each of the tests. */
const pages: Record<string, Handler> = {
  '/text': (_, response) => response.end('grüße\n'),
  '/bytes': (_, response) => response.end(bytes),
  '/gzip': (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(bytes)),
  '/latin1': (_, response) => response.setHeader('content-type', 'text/plain; charset=latin1').end(Buffer.from([0xfc])),
  '/plain': (_, response) => response.setHeader('content-type', 'text/plain').end('grüße'),
  '/cookies': (_, response) => response.setHeader('set-cookie', ['a=1', 'b=2']).end(),
  '/evil': (_, response) => response.end('one\u001b[2J\ttwo\u009b\r\n\u202ethree'),
  '/empty': (_, response) => response.end(),
  '/missing': (_, response) => response.writeHead(404, 'Not \u009bFound').end('there is no such thing'),
  '/broken': (_, response) => response.writeHead(500).end('oh'),
  '/moved': (_, response) => response.writeHead(302, { location: '/text' }).end('x'.repeat(1000)),
  '/cut': (request, response) => {
    response.writeHead(200, { 'content-length': 1000 }).write('half')
    setTimeout(() => request.socket.destroy(), 100)
  },
  '/stalls': (_, response) => response.writeHead(200, { 'content-length': 1000 }).write('half'),
  '/slow': async (_, response) => {
    response.writeHead(200, { 'content-length': 5000 })
    for (let count = 0; count < 5; count++) {
      response.write('x'.repeat(1000))
      await new Promise((resolve) => setTimeout(resolve, 150))
    }
    response.end()
  },
  '/endless': (_, response) => {
    const write = () => {
      while (!response.destroyed && response.write(Buffer.alloc(65_536, 'x')));
      response.once('drain', write)
    }
    write()
  },
}
const handler: Handler = async (request, response) => {
  const page = pages[request.url ?? '']
  if (page) await page(request, response)
  else response.end(JSON.stringify(request.headers))
}

const startPlain = () => startHttpServer({ handler })
const startSecure = () => startHttpsServer({ cert: pair.chain, key: pair.key, handler })

/** Everything in the directory, hidden files too. */
const filesIn = (dir: TempDir) => readdirSync(dir.path).sort()

test('a trusted server is read, byte for byte', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  dir.write('team.pem', root.certificate)
  for (const page of ['bytes', 'gzip']) {
    const words = ['get', `${server.url}/${page}`, '--verify', 'team.pem']
    const child = spawn(process.execPath, [main, ...words], { cwd: dir.path, stdio: ['ignore', 'pipe', 'inherit'] })
    const [body, [status]] = await Promise.all([buffer(child.stdout), once(child, 'close')])
    assert.deepEqual([status, body.equals(bytes)], [0, true], page)
  }
})

test('a server that is not trusted gets no request, and what to write is said in options of the command line', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  const { status, stdout, stderr } = await vouch(dir, `get ${server.url}/text -o text`)
  assert.deepEqual([status, stdout, server.requests, filesIn(dir)], [1, '', 0, []])
  const lines = stderr.split('\n')
  assert.match(
    lines[0] ?? '',
    /^vouch: error: certificate verify failed: unable to get local issuer certificate \(localhost:\d+\)$/,
  )
  assert.match(lines[1] ?? '', /^ {2}presented {2}CN=localhost, issued by CN=Team CA, for localhost, 127\.0\.0\.1$/)
  const more = lines.indexOf('  more       node_modules/vouch/docs/troubleshooting.md#unknown-ca')
  assert(more > 1, stderr)
  assert.match(lines[more + 1] ?? '', /^vouch: hint: trust the CA that issued it: --verify ca\.pem; get the file from /)
  const asked = await vouch(dir, `check ${server.url}`)
  const reason = (text: string) => /certificate verify failed: [\w ]*\w/.exec(text)?.[0]
  assert.equal(reason(stderr), reason(asked.stdout))
})

test('who insists gets it unverified, with a warning', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  const { status, stdout, stderr } = await vouch(dir, `get 127.0.0.1:${server.port}/text --no-verify`)
  assert.deepEqual([status, stdout], [0, 'grüße\n'])
  assert.match(stderr, /^vouch: warning: Unverified HTTPS request is being made to host '127\.0\.0\.1'.*\n$/)
})

test('headers, also from a file, a client certificate with its passphrase, and a proxy', async () => {
  const clients = createAuthority({ commonName: 'Client CA' })
  const ada = clients.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
  const options = { ca: clients.certificate, requestCert: true, rejectUnauthorized: true, handler }
  await using server = await startHttpsServer({ cert: pair.chain, key: pair.key, ...options })
  await using proxy = await startProxy()
  using dir = tempDir()
  dir.write('team.pem', root.certificate)
  dir.write('ada.pem', ada.chain)
  dir.write('ada.key', encryptKey(ada.key, 'a word'), 0o600)
  dir.write('word', 'a word\n')
  dir.write('secret', 'Authorization: Bearer abc\r\nX-Two: 2\r\n')
  const line = `get ${server.url}/ --verify team.pem --proxy ${proxy.url} --cert ada.pem --key ada.key`
  const without = await vouch(dir, line)
  assert.equal(without.status, 2)
  assert.match(without.stderr, /use --passphrase-file|it is encrypted/)
  const { status, stdout } = await vouch(dir, `${line} --passphrase-file word -H @secret -H X-One:1`)
  const { authorization, 'x-one': one, 'x-two': two } = JSON.parse(stdout)
  assert.deepEqual([status, authorization, one, two], [0, 'Bearer abc', '1', '2'])
  assert.equal(proxy.tunnels.length, 1)

  dir.write('ada.p12', toPkcs12(ada, 'a word'))
  const packed = await vouch(dir, `get ${server.url}/text --verify team.pem --cert ada.p12 --passphrase-file word`)
  assert.deepEqual([packed.status, packed.stderr], [0, ''])
  const closed = await vouch(dir, `get ${server.url}/text --verify team.pem --cert ada.p12`)
  assert.match(closed.stderr, /^vouch: hint: it needs a passphrase: --passphrase-file FILE$/m)
})

test('the environment counts, unless it is not to', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  const env = { REQUESTS_CA_BUNDLE: dir.write('team.pem', root.certificate) }
  assert.equal((await vouch(dir, `get ${server.url}/text`, env)).status, 0)
  assert.equal((await vouch(dir, `get ${server.url}/text --no-env`, env)).status, 1)
})

test('a status of 400 or above is an error with --fail only, which prints and writes no body', async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const missing = await vouch(dir, `get ${server.url.replace('//', '//ada:secret@')}/missing -o page --fail`)
  assert.deepEqual([missing.status, missing.stdout, filesIn(dir)], [4, '', []])
  assert.match(
    missing.stderr,
    /^vouch: error: 404 Client Error: Not \\u\{9b\}Found for url: http:\/\/localhost:\d+\/missing\nvouch: hint: without --fail .*\n$/,
  )
  const broken = await vouch(dir, `get ${server.url}/broken -f`)
  assert.match(broken.stderr, /^vouch: error: 500 Server Error: Internal Server Error for url: /)
  assert.equal(broken.status, 4)
  const shown = await vouch(dir, `get ${server.url}/missing`)
  assert.deepEqual([shown.status, shown.stdout], [0, 'there is no such thing'])
  assert.match(shown.stderr, /^vouch: warning: the status is 404 Not /)
  const written = await vouch(dir, `get ${server.url}/missing -o page`)
  assert.deepEqual([written.status, readFileSync(dir.join('page'), 'utf8')], [0, 'there is no such thing'])
})

test('with --json there are status, headers and the body: as text, as Base64, or where it was written', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  dir.write('team.pem', root.certificate)
  const ask = async (page: string) => {
    const ran = await vouch(dir, `get ${server.url}/${page} --verify team.pem --json`)
    assert.doesNotMatch(ran.stdout, /[^\P{C}\n]/u)
    return { ...ran, json: JSON.parse(ran.stdout) }
  }
  const { status, stderr, json } = await ask('text')
  assert.deepEqual([status, stderr], [0, ''])
  assert.deepEqual(Object.keys(json), [
    ...['url', 'statusCode', 'reason', 'ok', 'headers', 'history', 'elapsed', 'tls', 'bytes', 'text'],
  ])
  assert.deepEqual([json.statusCode, json.ok, json.bytes, json.text], [200, true, 8, 'grüße\n'])
  assert.deepEqual([json.tls.verified, json.tls.trust.path], [true, 'team.pem'])
  assert.equal((await ask('latin1')).json.text, 'ü')
  assert.equal((await ask('plain')).json.text, 'grüße')
  assert.equal((await ask('evil')).json.text, 'one\u001b[2J\ttwo\u009b\r\n\u202ethree')
  assert.deepEqual((await ask('cookies')).json.headers['set-cookie'], ['a=1', 'b=2'])
  assert.deepEqual((await ask('moved')).json.history, [`${server.url}/moved`])
  assert(Buffer.from((await ask('bytes')).json.base64, 'base64').equals(bytes))

  const saved = await ask('bytes -o bytes')
  assert.deepEqual([saved.json.bytes, saved.json.file, saved.json.base64], [100_000, 'bytes', undefined])
  assert(readFileSync(dir.join('bytes')).equals(bytes))

  assert.deepEqual((await ask('missing')).status, 0)
  const missing = await ask('missing --fail -o missing')
  assert.deepEqual([missing.status, missing.json.ok, missing.json.text], [4, false, 'there is no such thing'])
  assert.match(missing.stderr, /^vouch: error: 404 Client Error/)
  assert.deepEqual(filesIn(dir), ['bytes', 'team.pem'])
})

test('with --json an error is JSON as well, besides what is said of it', async () => {
  await using server = await startSecure()
  using dir = tempDir()
  const { status, stdout, stderr } = await vouch(dir, `get ${server.url}/text --json`)
  const { error } = JSON.parse(stdout)
  assert.deepEqual([status, error.name, error.reason], [1, 'SSLError', 'unknown-ca'])
  assert.match(error.message, /^certificate verify failed: .*\)$/)
  assert.match(error.hints[0], /--verify ca\.pem/)
  assert.match(stderr, /^vouch: error: certificate verify failed/)
  const shown = await vouch(dir, 'cert show none.pem --json')
  assert.match(JSON.parse(shown.stdout).error.message, /^there is no file 'none\.pem'/)
})

test('a file that exists is kept, and nothing is fetched for it', async () => {
  await using server = await startPlain()
  using dir = tempDir()
  dir.write('page', 'what was there', 0o640)
  const refused = await vouch(dir, `get ${server.url}/text -o page`)
  assert.deepEqual([refused.status, server.requests], [2, 0])
  assert.match(refused.stderr, /^vouch: error: cannot write 'page': the file exists, use --overwrite to replace it\n$/)
  assert.match((await vouch(dir, `get ${server.url}/text -o .`)).stderr, /'\.': it is a directory, name a file in it/)
  assert.match((await vouch(dir, `get ${server.url}/text -o no/page`)).stderr, /its directory does not exist/)
  assert.equal((await vouch(dir, `get ${server.url}/text -o page --overwrite`)).status, 0)
  assert.equal(readFileSync(dir.join('page'), 'utf8'), 'grüße\n')
  if (!isWindows) assert.equal(statSync(dir.join('page')).mode & 0o777, 0o640)
  assert.deepEqual(filesIn(dir), ['page'])
})

test('a link stays a link, and a device is written to', onPosix, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  dir.write('page', 'what was there')
  symlinkSync('page', dir.join('link'))
  assert.equal((await vouch(dir, `get ${server.url}/text -o link --overwrite`)).status, 0)
  assert.deepEqual(
    [lstatSync(dir.join('link')).isSymbolicLink(), readFileSync(dir.join('page'), 'utf8')],
    [true, 'grüße\n'],
  )
  assert.equal((await vouch(dir, `get ${server.url}/text -o /dev/null`)).status, 0)
  assert(lstatSync('/dev/null').isCharacterDevice())
  assert.equal((await vouch(dir, `get ${server.url}/text -o -`)).stdout, 'grüße\n')
})

test('of a body that breaks off nothing is left, and what was there stays', async () => {
  await using server = await startPlain()
  using dir = tempDir()
  dir.write('page', 'what was there')
  const { status, stderr } = await vouch(dir, `get ${server.url}/cut -o page --overwrite`)
  assert.equal(status, 3)
  assert.match(
    stderr,
    /^vouch: error: Connection broken: the response of localhost:\d+ ended before its body was complete/,
  )
  assert.deepEqual([filesIn(dir), readFileSync(dir.join('page'), 'utf8')], [['page'], 'what was there'])
  const onStdout = await vouch(dir, `get ${server.url}/cut`)
  assert.deepEqual([onStdout.status, onStdout.stdout], [3, 'half'])
})

test('--timeout is in seconds', async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const { status, stderr } = await vouch(dir, `get ${server.url}/stalls -o page --timeout 0.2`)
  assert.deepEqual([status, filesIn(dir)], [3, []])
  assert.match(stderr, /^vouch: error: Read from localhost:\d+ timed out\. \(read timeout=200 ms\)\n$/)
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} ends it as a signal does, and nothing half-written is left`, onPosix, async () => {
    await using server = await startPlain()
    using dir = tempDir()
    const child = spawn(process.execPath, [main, 'get', `${server.url}/stalls`, '-o', 'page'], { cwd: dir.path })
    const closed = once(child, 'close')
    while (filesIn(dir).length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.match(filesIn(dir)[0] ?? '', /^\.page\.[0-9a-f]{8}\.part$/)
    child.kill(signal)
    assert.deepEqual([(await closed)[1], filesIn(dir)], [signal, []])
  })
}

test('who has seen enough of a body without an end may close the pipe', onPosix, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const { stdout } = await shell(dir, `(vouch get ${server.url}/endless; echo "status $?" >&2) | head -c 10`)
  assert.equal(stdout.replace('xxxxxxxxxx', ''), 'status 0\n')
})

test('a reader that takes its time holds the server back', onPosix, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const line = `vouch get ${server.url}/endless | (sleep 1; head -c 10)`
  let sent = 0
  server.server.on('connection', (socket) => socket.on('close', () => (sent = socket.bytesWritten)))
  await shell(dir, line)
  assert(sent < 32_000_000, `${sent} bytes`)
})

test('on a terminal the server cannot speak to it, and bytes are refused', withTerminal, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const evil = await onTerminal(dir, `get ${server.url}/evil`)
  assert.deepEqual([evil.status, evil.stdout], [0, 'one\\u{1b}[2J\ttwo\\u{9b}\n\\u{202e}three\n'])
  const binary = await onTerminal(dir, `get ${server.url}/bytes`, { NO_COLOR: '1' })
  assert.equal(binary.status, 2)
  assert.match(binary.stdout, /vouch: error: the body is binary, and not for a terminal: use -o FILE, or a pipe\n$/)
  assert.equal((await onTerminal(dir, `get ${server.url}/plain`)).stdout, 'grüße\n')
  assert.equal((await onTerminal(dir, `get ${server.url}/latin1`)).stdout, 'ü\n')
})

test('a terminal shows how far it is, and colours unless NO_COLOR is set', withTerminal, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const { status, stdout } = await onTerminal(dir, `get ${server.url}/slow -o slow`)
  assert.equal(status, 0)
  assert.match(stdout, /\r\[#{8,}\.+\] {2}\d\d % {2}\d\.0 kB of 5\.0 kB {2}\d+\.\d kB\/s/)
  assert.match(stdout, /\r\[#{40}\] 100 % {2}5\.0 kB of 5\.0 kB {2}\d+\.\d kB\/s *\n$/)
  const failed = `get ${server.url}/missing --fail`
  const coloured = await onTerminal(dir, failed)
  assert(coloured.stdout.startsWith('vouch: \u001b[31merror\u001b[39m: 404'), coloured.stdout)
  assert.match((await onTerminal(dir, failed, { NO_COLOR: '1' })).stdout, /^vouch: error: 404/)
})

test('an empty body is an empty file', async () => {
  await using server = await startPlain()
  using dir = tempDir()
  assert.equal((await vouch(dir, `get ${server.url}/empty -o empty`)).status, 0)
  assert.equal(statSync(dir.join('empty')).size, 0)
})

/** Every verb, as the server receives it. */
const bodies: [line: string, method: string, type: string | undefined, body: RegExp][] = [
  ['get URL', 'GET', undefined, /^$/],
  ['delete URL', 'DELETE', undefined, /^$/],
  ['post URL -d a=1 -d b=2', 'POST', 'application/x-www-form-urlencoded', /^a=1&b=2$/],
  ['post URL -d @body.json', 'POST', undefined, /^\{"a": 1\}\n$/],
  ['put URL -d @body.json -H Content-Type:text/plain', 'PUT', 'text/plain', /^\{"a": 1\}\n$/],
  ['patch URL --data-json {"a":[1,2]}', 'PATCH', 'application/json', /^\{"a":\[1,2\]\}$/],
  ['post URL --data-json @body.json', 'POST', 'application/json', /^\{"a": 1\}\n$/],
  [
    'post URL -F a=b=c -F f=@body.json;type=text/x-own',
    'POST',
    'multipart/form-data',
    /name="a"\r\n\r\nb=c\r\n[\s\S]*name="f"; filename="body.json"\r\nContent-Type: text\/x-own\r\n\r\n\{"a": 1\}\n\r\n/,
  ],
  ['request propfind URL -H Depth:1', 'PROPFIND', undefined, /^$/],
]

for (const [line, method, type, body] of bodies)
  test(`vouch ${line} sends what it says`, async () => {
    await using server = await startHttpServer()
    using dir = tempDir()
    dir.write('body.json', '{"a": 1}\n')
    const ran = await vouch(dir, line.replace('URL', `${server.url}/items`))
    assert.deepEqual([ran.status, ran.stderr], [0, ''])
    const echoed = JSON.parse(ran.stdout) as Echo
    assert.deepEqual([echoed.method, echoed.url], [method, '/items'])
    assert.equal(echoed.headers['content-type']?.toString().split(';')[0], type)
    if (/body\.json$/.test(line)) assert.equal(echoed.headers['content-length'], '9')
    assert.match(echoed.body, body)
  })

/** Responses without an error that are not what was asked for. */
const parts: [
  what: string,
  head: readonly [status: number, headers: Record<string, string>],
  line: string,
  status: number,
][] = [
  ['a part that was not asked for', [206, { 'Content-Range': 'bytes 0-3/9' }], '', 3],
  ['a part that was asked for', [206, { 'Content-Range': 'bytes 0-3/9' }], ' -H Range:bytes=0-3', 0],
  ['a redirect without a place', [302, {}], '', 3],
  ['several choices', [300, {}], '', 3],
  ['a redirect that is not to be followed', [302, { Location: '/there' }], ' --max-redirects 0', 0],
  ['a length without a body', [204, { 'Content-Length': '9' }], '', 3],
  ['nothing new, unasked', [304, {}], '', 3],
]

for (const [what, [status, headers], more, expected] of parts)
  test(`${what} (${status}): exit status ${expected}, and ${expected === 0 ? 'a file' : 'no file'}`, async () => {
    await using server = await startHttpServer({
      handler: (_, response) => response.writeHead(status, headers).end(status === 206 ? 'part' : undefined),
    })
    using dir = tempDir()
    const ran = await vouch(dir, `get ${server.url} -o page${more}`)
    assert.equal(ran.status, expected, ran.stderr)
    assert.deepEqual(filesIn(dir), expected === 0 ? ['page'] : [])
    const json = await vouch(dir, `get ${server.url} --json${more}`)
    assert.deepEqual([json.status, JSON.parse(json.stdout).statusCode], [expected, status])
  })

const HEAD = 'HTTP/1.1 200 OK\r\n'
const faulty: [what: string, response: string, message: RegExp][] = [
  ['two lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, /repeated, perhaps contradictory/],
  ['a status below 100', `HTTP/1.1 020 OK\r\nContent-Length: 2\r\n\r\nok`, /its status is below 100/],
  ['chunks that are not valid', `${HEAD}Transfer-Encoding: chunked\r\n\r\n2;\r\nok\r\n0\r\n\r\n`, /a semicolon/],
  [
    'a redirect to nowhere',
    'HTTP/1.1 302 Found\r\nLocation: http:///x\r\nContent-Length: 0\r\n\r\n',
    /leads to an invalid/,
  ],
  [
    'a redirect to ftp',
    'HTTP/1.1 302 Found\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n',
    /No connection adapters/,
  ],
]

for (const [what, response, message] of faulty)
  test(`a server that sends ${what} is at fault: exit status 3, in the words of the command line`, async () => {
    await using server = await startTcpServer((socket) => socket.on('data', () => socket.end(response)))
    using dir = tempDir()
    for (const more of ['', ' --insecure-http-parser']) {
      const { status, stderr } = await vouch(dir, `get ${server.url}${more}`)
      assert.equal(status, 3, stderr)
      assert.match(stderr, message)
      assert.doesNotMatch(stderr, /insecureHTTPParser/)
    }
  })

test('a file that has not changed is left alone', async () => {
  await using server = await startHttpServer({ handler: (_, response) => response.writeHead(304).end() })
  using dir = tempDir()
  dir.write('page', 'as it was')
  const ran = await vouch(dir, `get ${server.url} -o page --overwrite -H If-None-Match:"1"`)
  assert.deepEqual([ran.status, readFileSync(dir.join('page'), 'utf8')], [0, 'as it was'])
})

test('-i prints the headers before the body, head prints them alone, -v prints both sides without secrets', async () => {
  await using server = await startHttpServer({
    handler: (_, response) => response.writeHead(200, { 'X-Own': '1', 'Set-Cookie': 'sid=hunter2' }).end('hello'),
  })
  using dir = tempDir()
  assert.match(
    (await vouch(dir, `get ${server.url} -i`)).stdout,
    /^HTTP\/1\.1 200 OK\n[\s\S]*\nx-own: 1\n[\s\S]*\nhello$/,
  )
  const head = await vouch(dir, `head ${server.url}`)
  assert.match(head.stdout, /^HTTP\/1\.1 200 OK\n[\s\S]*x-own: 1\n[\s\S]*\n$/)
  const verbose = await vouch(
    dir,
    `get ${server.url} -v -H Authorization:hunter2 -H X-Api-Key:hunter2 -H Referer:https://ada:hunter2@host/ -H X-Own:https://ada:hunter2@host`,
  )
  assert.equal(verbose.stdout, 'hello')
  assert.match(
    verbose.stderr,
    /^> GET \/ HTTP\/1\.1\n[\s\S]*> Authorization: \*\*\*\n[\s\S]*< HTTP\/1\.1 200 OK\n[\s\S]*< set-cookie: \*\*\*\n/,
  )
  assert.doesNotMatch(verbose.stderr, /hunter2/)
})

test('a full disk is an error, and a status of its own', onLinux, async () => {
  await using server = await startHttpServer()
  using dir = tempDir()
  for (const line of [
    `vouch get ${server.url} > /dev/full`,
    'vouch --help > /dev/full',
    `vouch get ${server.url} -o /dev/full`,
  ]) {
    const { stdout } = await shell(dir, `${line}; echo "status $?"`)
    assert.match(stdout, /^vouch: error: cannot write '.*': no space left on device\nstatus 2\n$/, line)
  }
})

test('a disk that takes a part of the output only is an error', onPosix, async () => {
  await using server = await startHttpServer({ handler: (_, response) => response.end(Buffer.alloc(3000, 'x')) })
  using dir = tempDir()
  dir.write('cert.pem', root.certificate.repeat(3))
  for (const line of [`vouch get ${server.url}`, 'vouch cert show cert.pem --json', 'vouch --help']) {
    // One block, of 512 or 1024 bytes.
    const { stdout } = await shell(dir, `(ulimit -f 1; ${line} > out); echo "status $?"`)
    assert.match(stdout, /^vouch: error: cannot write 'stdout': file too large\nstatus 2\n$/, line)
    assert(statSync(dir.join('out')).size <= 1024)
    assert.equal((await shell(dir, `${line} > whole; echo "status $?"`)).stdout, 'status 0\n')
    assert(statSync(dir.join('whole')).size > 1024)
  }
})

test(
  'a passphrase and headers come from files and pipes, and neither a FIFO nor a device hangs the command',
  onPosix,
  async () => {
    await using server = await startHttpServer()
    using dir = tempDir()
    makeFifo(dir.join('fifo'))
    for (const file of ['fifo', '/dev/zero']) {
      for (const line of [
        `get ${server.url} -H @${file}`,
        `get ${server.url} --cert a.pem --passphrase-file ${file}`,
      ]) {
        const { status, stderr } = await vouch(dir, line)
        assert.equal(status, 2)
        assert.equal(stderr, `vouch: error: cannot read '${file}': it is not a regular file\n`)
      }
    }
    const endless = await shell(dir, `vouch get ${server.url} -H @/dev/stdin < /dev/zero`)
    assert.equal(endless.stdout, "vouch: error: cannot read '/dev/stdin': it is larger than 1 MiB\n")
    const piped = await shell(dir, `(sleep 0.2; echo 'X-Piped: yes') | vouch get ${server.url} -H @/dev/stdin`)
    assert.match(piped.stdout, /"x-piped":"yes"/i)
  },
)

test('a body comes from a pipe that is open; a FIFO or an endless text is refused', onPosix, async () => {
  await using server = await startHttpServer()
  using dir = tempDir()
  makeFifo(dir.join('fifo'))
  for (const body of ['-d @fifo', '-d @fifo -d a=1', '--data-json @fifo', '-F a=@fifo']) {
    const { status, stderr } = await vouch(dir, `post ${server.url} ${body}`)
    assert.equal(status, 2)
    assert.equal(stderr, "vouch: error: cannot read 'fifo': it is a FIFO: pass it as stdin\n")
  }
  for (const [file, input] of [
    ['/dev/zero', ''],
    ['-', ' < /dev/zero'],
  ]) {
    const endless = await shell(dir, `vouch post ${server.url} --data-json @${file}${input}`)
    assert.equal(endless.stdout, `vouch: error: cannot read '${file}': it is larger than 256 MiB\n`)
  }
  // A pipe is read before its writer is done: at stdin it does not block, since got imports `node:process`.
  const slowly = `(sleep 1; printf '{"a"'; sleep 0.2; echo ':1}')`
  const twice = await shell(dir, `echo x | vouch post ${server.url} -F a=@- -F b=@-`)
  assert.match(twice.stdout, /^vouch: error: stdin can be read once/)
  const sent = ['-d @/dev/stdin', '--data-json @/dev/stdin', '-d @-', '--data-json @-', '-d b=2 -d @-'].map(
    async (body) => {
      const piped = await shell(dir, `${slowly} | vouch post ${server.url} ${body}`)
      assert.match(piped.stdout, /^\{/, body)
      const expected = body.startsWith('-d b=2') ? 'b=2&{"a":1}\n' : '{"a":1}\n'
      assert.equal((JSON.parse(piped.stdout) as Echo).body, expected, body)
    },
  )
  await Promise.all(sent)
})

test(
  '-o appends to what the shell has opened to append, and creates nothing behind a symbolic link',
  onPosix,
  async () => {
    await using server = await startPlain()
    using dir = tempDir()
    dir.write('out', 'before ')
    await shell(dir, `vouch get ${server.url}/text -o /dev/stdout 2>/dev/null >> out`)
    assert.equal(readFileSync(dir.join('out'), 'utf8'), 'before grüße\n')
    symlinkSync(dir.join('none'), dir.join('link'))
    for (const option of ['', ' --overwrite']) {
      const { status, stderr } = await vouch(dir, `get ${server.url}/text -o link${option}`)
      assert.equal(status, 2)
      assert.match(stderr, /cannot write 'link': it is a symbolic link to a file that does not exist/)
    }
    const long = await vouch(dir, `get ${server.url}/text -o ${'a.'.repeat(128)}`)
    assert.match(long.stderr, /cannot write 'a\..*: name too long/)
  },
)

test('a user that the system does not know, without HOME, has no netrc file', asRoot, async () => {
  await using server = await startPlain()
  // Another user may not be able to read the modules, so a first request loads them.
  const script = `const { get } = await import(${JSON.stringify(moduleUrl('index'))})
    await get(${JSON.stringify(`${server.url}/text`)})
    process.setgid(54321); process.setuid(54321); delete process.env.HOME
    console.log((await get(${JSON.stringify(`${server.url}/text`)})).text)`
  assert.equal((await outputOfScript(script)).trim(), 'grüße')
})

test('what cannot be said on stderr decides no exit status', onLinux, async () => {
  await using server = await startPlain()
  using dir = tempDir()
  const { stdout } = await shell(dir, `vouch get -v ${server.url}/text 2>/dev/full; echo " $?"`)
  assert.equal(stdout, 'grüße\n 0\n')
})

test('a passphrase in place of its file is not shown, and the name of a missing file is', async () => {
  using dir = tempDir()
  for (const command of ['get https://localhost:1/ --cert a.pem', 'cert create localhost', 'ca create']) {
    const { status, stderr } = await vouch(dir, `${command} --passphrase-file hunter2`)
    assert.deepEqual(
      [status, /there is no such passphrase file/.test(stderr), /hunter2/.test(stderr)],
      [2, true, false],
    )
    const missing = await vouch(dir, `${command} --passphrase-file none.txt`)
    assert.match(missing.stderr, /cannot read 'none\.txt': no such file/)
  }
})

const lines: [line: string, status: number, stderr: RegExp][] = [
  ['get', 2, /^vouch: error: name one URL\nvouch: hint: vouch get --help\n$/],
  ['get a b', 2, /name one URL/],
  ['get a --insecure', 2, /unknown option '--insecure': did you mean '--no-verify'\?/],
  ['get a -k', 2, /unknown option '-k': did you mean '--no-verify'\?/],
  ['get a --cacert b', 2, /unknown option '--cacert': did you mean '--verify'\?/],
  ['get a --max-time 3', 2, /unknown option '--max-time': did you mean '--timeout'\?/],
  ['get a --hader b', 2, /unknown option '--hader': did you mean '--header'\?/],
  ['get a -x', 2, /unknown option '-x': did you mean '--proxy'\?/],
  ['get a -X POST', 2, /unknown option '-X': write vouch request METHOD URL/],
  ['get a -I', 2, /unknown option '-I': write vouch head URL/],
  ['get a -u ada:secret', 2, /unknown option '-u': put user and password into ~\/\.netrc/],
  ['get a -d b', 2, /a GET request sends no body: use vouch post/],
  ['post a -d b -F c=d', 2, /--data and --form exclude each other/],
  ['post a --data-json {secret', 2, /--data-json is not valid JSON \(position 1\)/],
  ['post a -d @none', 2, /^vouch: error: cannot read 'none': no such file or directory\n$/],
  ['post a -F b', 2, /--form is NAME=VALUE or NAME=@FILE/],
  ['request a', 2, /name a method and a URL/],
  ['request G/T a', 2, /'G\/T' is no method/],
  ['get a --max-redirects -1', 2, /./],
  ['get a -H @none', 2, /^vouch: error: cannot read 'none': no such file or directory\n$/],
  ['get a -q', 2, /unknown option '-q'\n/],
  ['get a --verify b --no-verify', 2, /--verify and --no-verify exclude each other/],
  ['get a -H token', 2, /^vouch: error: a header is 'NAME: VALUE'\n/],
  ['get a --timeout 0', 2, /--timeout must be above 0/],
  ['get a --timeout soon', 2, /--timeout must be a number, not 'soon'/],
  ['get ftp://a/', 2, /^vouch: error: No connection adapters were found for 'ftp:\/\/a\/'/],
  ['get http://ada:secret@127.0.0.1:1/', 3, /^vouch: error: Failed to establish a new connection to 127\.0\.0\.1:1/],
  ['get http://ada:secret@127.0.0.1:1x/', 2, /^vouch: error: Failed to parse: /],
]

for (const [line, status, stderr] of lines) {
  test(`vouch ${line}: ${status}`, async () => {
    using dir = tempDir()
    const ran = await vouch(dir, line)
    assert.deepEqual([ran.status, ran.stdout, filesIn(dir)], [status, '', []])
    assert.match(ran.stderr, stderr)
    assert.doesNotMatch(ran.stderr, /secret/)
  })
}
