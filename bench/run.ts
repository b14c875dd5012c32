/**
 * `npm run bench`: what a verified keep-alive request costs, next to the same on bare node:https and bare got.
 *
 * The server is a process of its own, so that the CPU time is the client's. Rounds are interleaved and medians compared:
 * the ratios mean something, the microseconds are this machine's.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import https from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import got from 'got'
import { get, Session } from 'vouch'
import { createSelfSignedCert } from 'vouch/certs'

const ROUNDS = 9
const REQUESTS = 1000

interface Contender {
  readonly name: string
  readonly send: () => Promise<unknown>
  readonly cpu: number[]
  readonly wall: number[]
}

const folder = mkdtempSync(join(tmpdir(), 'vouch-bench-'))
const certFile = join(folder, 'selfsigned.crt')
const keyFile = join(folder, 'private.key')
const bundle = join(folder, 'bundle.pem')
await createSelfSignedCert(certFile, keyFile, ['localhost', '127.0.0.1'])
writeFileSync(bundle, readFileSync(certFile, 'utf8') + tls.rootCertificates.join('\n'))

const server = fork(new URL('server.ts', import.meta.url), [certFile, keyFile], { stdio: 'inherit' })
const [port] = (await once(server, 'message')) as [number]
const url = `https://127.0.0.1:${port}/`

delete process.env.REQUESTS_CA_BUNDLE
delete process.env.CURL_CA_BUNDLE
process.env.no_proxy = '*'
const agent = new https.Agent({
  keepAlive: true,
  secureContext: tls.createSecureContext({ ca: readFileSync(certFile) }),
})
const session = new Session({ verify: certFile })

const contenders: Contender[] = [
  contender('node:https, prepared agent', () => raw(url)),
  contender('got(url).json(), prepared agent', () => got(url, { agent: { https: agent } }).json()),
  contender('vouch: session.get(url)', async () => (await session.get(url)).json()),
  contender('vouch: get(url, { verify: path })', async () => (await get(url, { verify: certFile })).json()),
  contender(`vouch: get, ${tls.rootCertificates.length + 1} certificates`, async () =>
    (await get(url, { verify: bundle })).json(),
  ),
]

for (const each of contenders) await run(each, REQUESTS)
for (let round = 0; round < ROUNDS; round++) {
  for (const each of contenders) {
    const cpu = process.cpuUsage()
    const start = performance.now()
    await run(each, REQUESTS)
    const { user, system } = process.cpuUsage(cpu)
    each.cpu.push((user + system) / REQUESTS)
    each.wall.push(((performance.now() - start) * 1000) / REQUESTS)
  }
}

const base = median(contenders[0]?.cpu ?? [])
const bare = median(contenders[1]?.cpu ?? [])
console.log(`keep-alive GET, one connection, Node ${process.version}, medians of ${ROUNDS} rounds of ${REQUESTS}\n`)
console.log(`${'contender'.padEnd(36)} CPU µs  wall µs  × node:https  × got`)
for (const { name, cpu, wall } of contenders) {
  const used = median(cpu)
  const columns = [used.toFixed(0).padStart(6), median(wall).toFixed(0).padStart(8)]
  const ratios = [(used / base).toFixed(2).padStart(12), (used / bare).toFixed(2).padStart(6)]
  console.log(`${name.padEnd(36)} ${[...columns, ...ratios].join(' ')}`)
}

await session.close()
agent.destroy()
server.kill()
rmSync(folder, { recursive: true })

function contender(name: string, send: () => Promise<unknown>): Contender {
  return { name, send, cpu: [], wall: [] }
}

async function run({ send }: Contender, times: number): Promise<void> {
  for (let count = 0; count < times; count++) await send()
}

function raw(target: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    https
      .get(target, { agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('end', () => resolve(JSON.parse(Buffer.concat(chunks).toString())))
      })
      .on('error', reject)
  })
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}
