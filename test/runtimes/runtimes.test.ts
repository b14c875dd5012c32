/** Bun and Deno accept and refuse the same servers as Node does. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { after, test } from 'node:test'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { run } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { startSocks4a } from '../helpers/socks4a.ts'
import { tempDir } from '../helpers/temp.ts'
import { install } from '../package/packed.ts'

const FOLDER = 'test/runtimes'
const skip = !existsSync(`${FOLDER}/node_modules`) && `the runtimes are not installed: npm ci in ${FOLDER}`

const RUNTIMES = [
  { name: 'Node', program: process.execPath, args: [] },
  { name: 'Bun', program: programOf('@oven/*/bin/bun'), args: [] },
  { name: 'Deno', program: programOf('@deno/*/deno'), args: ['run', '-A', '--quiet'] },
]

const authority = createAuthority()
const good = authority.issue()
const DAY_MS = 86_400_000
const expired = authority.issue({
  notBefore: new Date(Date.now() - 9 * DAY_MS),
  notAfter: new Date(Date.now() - DAY_MS),
})
const misnamed = authority.issue({ hosts: ['elsewhere.test'] })
const client = authority.issue({ extendedKeyUsage: ['clientAuth'] })
const pinned = selfSigned({ hosts: ['device.test'] })
const pinOf = (certificate: string) => `sha256:${new X509Certificate(certificate).fingerprint256}`

const project = tempDir()
after(() => project[Symbol.dispose]())
if (!skip) {
  install(project)
  project.write('app.mjs', readFileSync(`${FOLDER}/app.mjs`))
}

/** What other runtimes do instead, as docs/guides/bundlers-and-runtimes.md says: they know less of why, and pins are refused. */
const noPins = (runtime: string) => {
  const message = `TypeError: verify: pins work in Node only: ${runtime} does not show the certificate of a server that it refuses`
  return { 'the pin': message, 'another pin': message }
}
const DIFFERENCES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  Bun: noPins('Bun'),
  Deno: { ...noPins('Deno'), expired: 'SSLError: unknown-ca', 'a certificate for clients': 'SSLError: unknown-ca' },
}

/** What Node does. */
const EXPECTED: Readonly<Record<string, unknown>> = {
  'its CA': 200,
  'another CA': 'SSLError: unknown-ca',
  'its CA again': 200,
  'the default roots': 'SSLError: unknown-ca',
  'no verification': 200,
  expired: 'SSLError: expired',
  'another name': 'SSLError: hostname-mismatch',
  'a certificate for clients': 'SSLError: wrong-purpose',
  'the pin': 200,
  'another pin': 'SSLError: pin-mismatch',
  'with a client certificate': 200,
  'without a client certificate': 'SSLError: client-certificate',
  'through a proxy': 200,
  'through a proxy, another CA': 'SSLError: unknown-ca',
  'through SOCKS': 200,
  explain: false,
  'a session': 'a=b',
  fetch: 'abc',
  'fetch, another CA': 'SSLError: unknown-ca',
}

for (const { name, program, args } of RUNTIMES) {
  const reason = skip || (program === undefined && `npm has no ${name} for this platform`)
  test(`${name} accepts and refuses rightly, without uncaught errors`, { skip: reason }, async () => {
    await using server = await startHttpsServer({
      ...toServer(good),
      handler: async (request, response) => {
        if (request.url === '/cookie') response.setHeader('set-cookie', 'a=b; Path=/')
        let body = ''
        for await (const chunk of request) body += String(chunk)
        response.end(JSON.stringify({ headers: request.headers, body }))
      },
    })
    await using late = await startHttpsServer(toServer(expired))
    await using elsewhere = await startHttpsServer(toServer(misnamed))
    await using clients = await startHttpsServer(toServer(client))
    await using device = await startHttpsServer({ key: pinned.key, cert: pinned.certificate })
    const mutualOptions = { ca: authority.certificate, requestCert: true, rejectUnauthorized: true }
    await using mutual = await startHttpsServer({ ...toServer(good), ...mutualOptions })
    await using proxy = await startProxy()
    await using socks = await startSocks4a()
    using dir = tempDir()
    const facts = {
      urls: {
        good: server.url,
        expired: late.url,
        misnamed: elsewhere.url,
        client: clients.url,
        pinned: device.url,
        mutual: mutual.url,
      },
      ca: dir.write('ca.pem', authority.certificate),
      other: dir.write('other.pem', createAuthority().certificate),
      identity: [dir.write('client.crt', client.chain), dir.write('client.key', client.key)],
      pin: pinOf(pinned.certificate),
      wrongPin: pinOf(good.certificate),
      proxy: proxy.url,
      socks: `socks4a://127.0.0.1:${socks.port}`,
    }
    const ran = await run(program ?? '', [...args, 'app.mjs', JSON.stringify(facts)], { cwd: project.path })
    assert.equal(ran.status, 0, ran.stderr)
    const outcomes = JSON.parse(ran.stdout)
    assert.deepEqual(outcomes, { ...EXPECTED, ...DIFFERENCES[name] })
    for (const refusing of [late, elsewhere, clients]) assert.equal(refusing.requests, 0)
    assert.equal(device.requests, outcomes['the pin'] === 200 ? 1 : 0)
    assert.doesNotMatch(ran.stderr, /uncaught|unhandled/i)
  })
}

function toServer({ key, chain }: { readonly key: string; readonly chain: string }): { key: string; cert: string } {
  return { key, cert: chain }
}

function programOf(pattern: string): string | undefined {
  const [program] = globSync(`${FOLDER}/node_modules/${pattern}`)
  return program && resolve(program)
}
