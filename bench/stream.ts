/**
 * `node bench/stream.ts [MiB]`: a large download and a large multipart upload from a file, next to the same on bare
 * node:https: throughput, and by how much the client's memory has grown at its peak: the modules that it loads, and what
 * the garbage collector lets wait.
 *
 * Server and clients are processes of their own, so that the memory is that of one client and one direction.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import https, { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createSelfSignedCert } from 'vouch/certs'

const MIB = 1024 * 1024

const ROLES: Readonly<Record<string, (...args: string[]) => Promise<unknown>>> = {
  server: serve,
  'node:https download': (url, ca) =>
    new Promise((resolve, reject) => {
      const request = https.get(url ?? '', { ca: readFileSync(ca ?? '') }, (response) => {
        let size = 0
        response.on('data', (chunk: Buffer) => {
          size += chunk.length
        })
        response.on('end', () => resolve(size))
      })
      request.on('error', reject)
    }),
  'vouch download, stream: true': async (url, ca) => {
    const { get } = await import('vouch')
    let size = 0
    for await (const chunk of await get(url ?? '', { verify: ca ?? '', stream: true })) size += chunk.length
    return size
  },
  'node:https upload': async (url, ca, file) => {
    const headers = { 'content-length': statSync(file ?? '').size }
    const request = https.request(url ?? '', { method: 'POST', ca: readFileSync(ca ?? ''), headers })
    const answered = once(request, 'response')
    await pipeline(createReadStream(file ?? ''), request)
    const [response] = await answered
    return Number((await response.toArray()).join(''))
  },
  'vouch multipart upload of a file': async (url, ca, file) => {
    const { post } = await import('vouch')
    const response = await post(url ?? '', { verify: ca ?? '', files: { file: createReadStream(file ?? '') } })
    return response.json()
  },
}

const [role, ...args] = process.argv.slice(2)
if (role !== undefined && role in ROLES) await play(role, args)
else await compare(Number(role ?? 1024))

async function play(name: string, given: string[]): Promise<void> {
  const started = performance.now()
  const rss = process.memoryUsage.rss() / MIB
  const result = await ROLES[name]?.(...given)
  if (name === 'server') return
  const seconds = (performance.now() - started) / 1000
  // In KiB, as the operating system counts it.
  process.send?.({ result, seconds, growth: process.resourceUsage().maxRSS / 1024 - rss })
  process.disconnect?.()
}

/** Sends `size` bytes to a GET, and counts what a POST brings. */
async function serve(certFile = '', keyFile = '', size = ''): Promise<void> {
  const chunk = Buffer.alloc(MIB / 4)
  const server = createServer(
    { cert: readFileSync(certFile), key: readFileSync(keyFile) },
    async (request, response) => {
      if (request.method === 'POST') {
        let received = 0
        for await (const each of request as AsyncIterable<Buffer>) received += each.length
        response.end(String(received))
        return
      }
      response.setHeader('content-length', size)
      for (let left = Number(size); left > 0; left -= chunk.length) {
        if (!response.write(left < chunk.length ? chunk.subarray(0, left) : chunk)) await once(response, 'drain')
      }
      response.end()
    },
  )
  server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

async function compare(mebibytes: number): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vouch-bench-'))
  const [cert, key, file] = ['selfsigned.crt', 'private.key', 'large.bin'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ]
  await createSelfSignedCert(cert, key, '127.0.0.1')
  writeFileSync(file, '')
  truncateSync(file, mebibytes * MIB)
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/proxy|_ca_|netrc/i.test(name)))
  const start = (...given: string[]) => fork(new URL(import.meta.url), given, { stdio: 'inherit', env })
  const server = start('server', cert, key, String(mebibytes * MIB))
  const [port] = (await once(server, 'message')) as [number]
  console.log(`${mebibytes} MiB over TLS on loopback, Node ${process.version}, the better of 3\n`)
  console.log(`${'contender'.padEnd(34)} MiB/s  MiB more at the peak`)
  for (const name of Object.keys(ROLES).filter((each) => each !== 'server')) {
    const runs: { seconds: number; growth: number }[] = []
    for (let times = 0; times < 3; times++) {
      const [message] = await once(start(name, `https://127.0.0.1:${port}/`, cert, file), 'message')
      if (message.result < mebibytes * MIB) throw new Error(`${name}: ${message.result} bytes only`)
      runs.push(message)
    }
    const speed = mebibytes / Math.min(...runs.map(({ seconds }) => seconds))
    const growth = Math.max(...runs.map((each) => each.growth))
    console.log(`${name.padEnd(34)} ${speed.toFixed(0).padStart(5)}  ${growth.toFixed(0).padStart(20)}`)
  }
  server.kill()
  rmSync(folder, { recursive: true })
}
