/**
 * The whole story in a few seconds: `npm run demo`.
 *
 * Makes a self-signed certificate, serves HTTPS with it on loopback, and makes real requests to that server. Nothing else
 * is contacted, and nothing is left behind.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { styleText } from 'node:util'
import { get, post, type Response, Session, SSLError } from 'vouch'
import { createSelfSignedCert } from 'vouch/certs'

const folder = mkdtempSync(join(tmpdir(), 'vouch-demo-'))
process.chdir(folder)
// The machine's own bundle and proxy would decide otherwise, as they should.
delete process.env.REQUESTS_CA_BUNDLE
delete process.env.CURL_CA_BUNDLE
process.env.no_proxy = '*'

const warnings: Error[] = []
process.removeAllListeners('warning')
process.on('warning', (warning) => warnings.push(warning))

title('A self-signed certificate')
code(`createSelfSignedCert('selfsigned.crt', 'private.key', ['localhost', '127.0.0.1', '::1'])`)
const pair = await createSelfSignedCert('selfsigned.crt', 'private.key', ['localhost', '127.0.0.1', '::1'])
note(`valid until ${pair.validTo.toISOString().slice(0, 10)}, SHA-256 ${pair.fingerprint.slice(0, 23)}…`)

const server = await serve()
const { port } = server.address() as AddressInfo
const url = `https://127.0.0.1:${port}/tor`
const files = { file: Buffer.from('example') }
note(`served on ${url}`)

try {
  title('Refused by default, with the reason')
  code(`const files = { file: Buffer.from('example') } // a form with one file`)
  code(`await post('${url}', { files })`)
  await refused(post(url, { files }))

  title('Trusted by path')
  code(`await post('${url}', { files, verify: 'selfsigned.crt' })`)
  accepted(await post(url, { files, verify: 'selfsigned.crt' }))

  title('Trusted by the environment')
  code(`REQUESTS_CA_BUNDLE=selfsigned.crt`)
  code(`await get('${url}')`)
  process.env.REQUESTS_CA_BUNDLE = 'selfsigned.crt'
  accepted(await get(url))
  delete process.env.REQUESTS_CA_BUNDLE

  title('Trusted by a bundle of several CAs')
  const others = await Promise.all(['a.test', 'b.test'].map((host) => createSelfSignedCert(null, null, host)))
  writeFileSync('bundle.pem', [...others.map(({ cert }) => cert), pair.cert].join(''))
  code(`await get('https://localhost:${port}/tor', { verify: 'bundle.pem' })`)
  accepted(await get(`https://localhost:${port}/tor`, { verify: 'bundle.pem' }))

  title('A session keeps its connection')
  code(`const session = new Session({ verify: 'selfsigned.crt' })`)
  const session = new Session({ verify: 'selfsigned.crt' })
  for (const turn of ['first', 'second']) {
    code(`await session.get('${url}')`)
    const response = await session.get(url)
    const connection = response.tls?.reused ? 'the same connection' : 'a new connection'
    good(`${turn} request: ${response.statusCode} in ${response.elapsed.toFixed(1)} ms, ${connection}`)
  }
  await session.close()

  title('Without verification: for tests only')
  code(`await get('${url}', { verify: false })`)
  // vouch-audit: the demo shows the warning that this gives
  accepted(await get(url, { verify: false }))
  await new Promise(setImmediate)
  for (const { name, message } of warnings) console.log(`  ${styleText('yellow', '!')} ${name}: ${message}`)
} finally {
  server.close()
  server.closeAllConnections()
  process.chdir('/')
  rmSync(folder, { recursive: true })
}

title('Next')
note('your own server: npx --no vouch cert create localhost 127.0.0.1    docs/guides/self-signed.md')
note('why a server is not trusted: npx --no vouch check URL              docs/troubleshooting.md')
note('where a project switches verification off: npx --no vouch audit    docs/reference/audit.md')
note('coming from Python requests                                        docs/coming-from-requests.md')

/** Answers with what was sent to `/tor`; on port 10330 if that is free. */
async function serve(): Promise<Server> {
  const server = createServer(pair, async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const received = Buffer.concat(chunks).length
    response.setHeader('content-type', 'application/json')
    response.statusCode = request.url === '/tor' ? 200 : 404
    response.end(JSON.stringify({ method: request.method, received }))
  })
  server.listen(10330, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  return server
}

async function refused(request: Promise<Response>): Promise<void> {
  const error = await request.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof SSLError)) throw new Error('the server must not be trusted here', { cause: error })
  const [summary, ...details] = error.message.split('\n')
  console.log(`  ${styleText('red', '✗')} ${error.name}: ${summary}`)
  for (const line of details) note(line)
}

function accepted(response: Response): void {
  const { method, received } = response.raiseForStatus().json<{ method: string; received: number }>()
  const { tls } = response
  const from = tls?.trust.source === 'call' ? 'the option verify' : tls?.trust.source
  const trust = tls?.verified ? `vouched for by ${tls.trust.path} (${from})` : 'not verified'
  const sent = received === 0 ? '' : ` of ${received} bytes`
  good(`${response.statusCode} ${response.reason}: ${method}${sent}, ${tls?.protocol}, ${trust}`)
}

function title(text: string): void {
  console.log(`\n${styleText('bold', text)}`)
}

function code(line: string): void {
  console.log(`  ${styleText('cyan', line)}`)
}

function good(text: string): void {
  console.log(`  ${styleText('green', '✓')} ${text}`)
}

function note(text: string): void {
  console.log(`  ${styleText('dim', text)}`)
}
