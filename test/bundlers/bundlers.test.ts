/** An app that has vouch in it, by each bundler: it runs where no library is installed, and does what it did before. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, test } from 'node:test'
import { opensslBytes } from '../helpers/openssl.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOf } from '../helpers/processes.ts'
import { echo, type Handler, startHttpsServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { tempDir } from '../helpers/temp.ts'
import { install } from '../package/packed.ts'

const FOLDER = 'test/bundlers'
const skip = !existsSync(`${FOLDER}/node_modules`) && `the bundlers are not installed: npm ci in ${FOLDER}`

const BUNDLERS = [
  'esbuild, ES module',
  'esbuild, CommonJS',
  'esbuild, minified',
  'rollup',
  'webpack',
  'ncc',
  'Vite',
  'bun',
] as const

const authority = createAuthority()
const issued = authority.issue()

const project = tempDir()
after(() => project[Symbol.dispose]())
if (!skip) {
  install(project)
  project.write('app.mjs', readFileSync(`${FOLDER}/app.mjs`))
}

const service: Handler = (request, response) => {
  if (request.url === '/cookie') response.setHeader('set-cookie', 'a=b; Path=/')
  else if (request.url === '/links') response.setHeader('link', '<https://example.com/2>; rel="next"')
  else if (request.url === '/missing') response.statusCode = 404
  else if (request.url === '/charset') {
    response.setHeader('content-type', 'application/octet-stream')
    response.end(SHIFT_JIS)
  } else return echo(request, response)
  return response.end()
}

/** 「これは日本語の文章です。」 several times. */
const SHIFT_JIS = Buffer.from('82b182ea82cd93fa967b8cea82cc95b68fcd82c582b78142'.repeat(8), 'hex')
const JAPANESE = 'これは日本語の文章です。'.repeat(8)

for (const bundler of BUNDLERS) {
  test(`${bundler}: cookies, links, charsets, SOCKS, BER and the names of errors are in the bundle`, {
    skip,
  }, async () => {
    using dir = tempDir()
    const out = dir.join('out')
    mkdirSync(out)
    const args = [resolve(FOLDER, 'bundle.mjs'), bundler, project.join('app.mjs'), out]
    const file =
      (await outputOf(process.execPath, args, { cwd: project.path, limit: 110_000 })).trim().split('\n').at(-1) ?? ''
    await using server = await startHttpsServer({ key: issued.key, cert: issued.chain, handler: service })
    const other = createAuthority().issue()
    await using stranger = await startHttpsServer({ key: other.key, cert: other.chain })
    await using proxy = await startSocks4a()
    const facts = { url: server.url, other: stranger.url, ca: berBundle(dir), socks: `127.0.0.1:${proxy.port}` }
    const printed = await outputOf(process.execPath, [file, JSON.stringify(facts)], { cwd: out })
    assert.deepEqual(JSON.parse(printed), {
      cookies: 'a=b',
      links: { next: { rel: 'next', url: 'https://example.com/2' } },
      text: JAPANESE,
      apparentEncoding: 'shift_jis',
      proxied: 200,
      status: 'HTTPError true',
      refused: { isOurs: true, name: 'SSLError', reason: 'unknown-ca' },
      noConnection: 'ConnectionError',
      method: 'GET',
    })
    assert.equal(proxy.asked.length, 1)
    assert.equal(stranger.requests, 0)
  })
}

/** PKCS#7 with the CA in it, in BER as openssl writes it when it streams. */
function berBundle(dir: ReturnType<typeof tempDir>): string {
  const signer = createAuthority().issue()
  const own = ['-signer', dir.write('own.pem', signer.certificate), '-inkey', dir.write('own.key', signer.key)]
  const ca = ['-certfile', dir.write('ca.pem', authority.certificate)]
  const form = ['-sign', '-stream', '-nodetach', '-binary', '-outform', 'DER']
  return dir.write('ca.p7b', opensslBytes(['cms', ...form, ...ca, ...own], 'content'))
}
