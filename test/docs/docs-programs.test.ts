/**
 * Every piece of JavaScript in the documentation runs, page by page, and the examples do what they say.
 *
 * All that a page talks to is here: its servers are one, reached through a proxy that takes any name to it, and the files that
 * it names lie in the directory in which it runs.
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { globSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { after, before, test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { createAuthority, selfSigned, toPkcs12 } from '../helpers/pki.ts'
import { freePort, listen } from '../helpers/ports.ts'
import { type RunOptions, run } from '../helpers/processes.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { moduleOf, type Snippet, snippets } from '../helpers/snippets.ts'
import { tempDir } from '../helpers/temp.ts'

const pieces = snippets().filter(({ language }) => language === 'js')
const pages = Map.groupBy(pieces, ({ page }) => page)

/** What is shown in the page, and has to be what it prints, too. */
const PRINTED: Readonly<Record<string, RegExp>> = {
  'docs/guides/mutual-tls.md': /^hello ada$/m,
  'docs/guides/testing.md': /pass 1\b/,
  'docs/troubleshooting.md': /trusted/,
}

/** The server that has a certificate of its own, known by its address. */
const BOX = '192.168.1.172'

const company = createAuthority({ commonName: 'Company CA' })
const hosts = new Set(
  pieces.flatMap(({ code }) => Array.from(code.matchAll(/https:\/\/([\w.-]+)/g), ([, host = '']) => host)),
)
const intranet = company.issue({ hosts: [...hosts] })
const client = company.issue({ hosts: [], commonName: 'ada', extendedKeyUsage: ['clientAuth'] })
const box = selfSigned({ hosts: [BOX, 'localhost'] })

let servers: readonly TestServer[]
let proxyPort: number
const proxy = createServer((_, response) => response.end('{}'))

before(async () => {
  servers = await Promise.all([
    startHttpsServer({ key: intranet.key, cert: intranet.chain }),
    startHttpsServer({ key: box.key, cert: box.chain }),
  ])
  proxy.on('connect', (request, socket) => {
    const target = servers[request.url?.startsWith(BOX) ? 1 : 0]
    const tunnel = connect(target?.port ?? 0, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      socket.pipe(tunnel).pipe(socket)
    })
    socket.on('error', () => tunnel.destroy())
    tunnel.on('error', () => socket.destroy())
  })
  proxyPort = await listen(proxy)
})

after(async () => {
  proxy.close()
  proxy.closeAllConnections()
  await Promise.all(servers.map((server) => server.close()))
})

for (const [page, parts] of pages) {
  test(`${page}: what it shows runs`, async () => {
    using dir = tempDir()
    for (const name of ['company-ca.pem', 'corp-ca.pem', 'ca.pem']) dir.write(name, company.certificate)
    for (const name of ['big.bin', 'photo.jpg', '1.jpg', '2.jpg']) dir.write(name, name)
    dir.write('selfsigned.crt', box.chain)
    dir.write('private.key', box.key, 0o600)
    dir.write('client.crt', client.chain)
    dir.write('client.key', client.key, 0o600)
    dir.write('client.pem', `${client.chain}${client.key}`, 0o600)
    dir.write('client.p12', toPkcs12(client, 'secret'), 0o600)
    // A page without a server of its own leads to the intranet's.
    const listens = parts.some(({ code }) => code.includes('listen(8443)'))
    using program = writeProgram(parts, listens ? await freePort() : (servers[0]?.port ?? 0))
    const through = `http://127.0.0.1:${proxyPort}`
    const output = await printedBy(program.path, {
      cwd: dir.path,
      env: {
        HTTPS_PROXY: through,
        HTTP_PROXY: through,
        // A proxy and connectTo exclude each other.
        NO_PROXY: 'localhost,127.0.0.1,db.corp',
        NODE_EXTRA_CA_CERTS: dir.join('ca.pem'),
        CA_PASSPHRASE: 'secret',
        PASSWORD: 'secret',
        TOKEN: 'token',
      },
    })
    assert.match(output, PRINTED[page] ?? /^/)
  })
}

/** What each example prints; each of them is here. */
const EXAMPLES: Readonly<Record<string, readonly RegExp[]>> = {
  demo: [
    /(?:✓ 200 OK.*){4}/s,
    /✗ SSLError: certificate verify failed: self-signed certificate/,
    /vouched for by selfsigned.crt \(REQUESTS_CA_BUNDLE\)/,
    /second request: 200 in [\d.]+ ms, the same connection/,
    /! InsecureRequestWarning/,
    /^Next$[\s\S]*vouch check URL/m,
  ],
  'mutual-tls': [/hello ada.*refused: client-certificate.*refused: unknown-ca/s],
  'private-ca': [/^✓ users, with a certificate that CN=Team CA issued$/m, /^✓ orders/m, /^✗ self-signed/m],
  proxy: [
    /first request: hello, verified, new tunnel$/m,
    /second request: hello, verified, same tunnel$/m,
    /ProxyError$/m,
    /without the proxy: hello$/m,
  ],
  renewal: [/(?:^server {3}took over.*){5}/ms, /^clients {2}\d{3,} requests answered, 0 lost; 6 certificates seen$/m],
  streaming: [/^uploaded: .*100 %$/m, /as it should be$/m, /^refused: ERR_MAX_RESPONSE_SIZE$/m],
}

for (const file of globSync('docs/examples/*.ts').sort()) {
  test(`${file} does what it says, whatever the environment, and exits`, async () => {
    const output = await printedBy(file, { env: { REQUESTS_CA_BUNDLE: '/no/such/bundle', NO_COLOR: '1' } })
    const expected = EXAMPLES[basename(file, '.ts')]
    assert(expected)
    for (const pattern of expected) assert.match(output, pattern)
  })
}

/** A module that imports the pieces in turn, in a folder that finds the package by its name as a dependent would. */
function writeProgram(parts: readonly Snippet[], port: number): { path: string } & Disposable {
  mkdirSync('build', { recursive: true })
  const folder = mkdtempSync(resolve('build/snippets-'))
  for (const part of parts)
    writeFileSync(join(folder, `${part.line}.mjs`), moduleOf(part).replaceAll('8443', `${port}`))
  // The pages leave their servers to listen. Those of this program end with it.
  const program = `import { Server } from 'node:net'
const { listen } = Server.prototype
Server.prototype.listen = function (...args) {
  return listen.apply(this, args).unref().on('connection', (socket) => socket.unref())
}
${parts.map(({ line }) => `await import('./${line}.mjs')`).join('\n')}
`
  const path = join(folder, 'program.mjs')
  writeFileSync(path, program)
  return { path, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}

/** What a program prints that ends well, and has nothing to say on stderr. */
async function printedBy(program: string, { cwd, env }: RunOptions): Promise<string> {
  // A child that finds this would report to the runner of these tests instead of printing.
  const ran = await run(process.execPath, [program], { cwd, env: { ...env, NODE_TEST_CONTEXT: undefined } })
  assert.deepEqual([ran.status, ran.stderr], [0, ''])
  return stripVTControlCharacters(ran.stdout)
}
