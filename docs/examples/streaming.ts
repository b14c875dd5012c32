/**
 * 64 MiB up and down without ever holding them in memory: `node docs/examples/streaming.ts`.
 */
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { RequestException, Session } from 'vouch'
import { createSelfSignedCert } from 'vouch/certs'

const MIB = 1024 * 1024
const SIZE = 64 * MIB

const folder = mkdtempSync(join(tmpdir(), 'vouch-streaming-'))
const file = join(folder, 'big.bin')
const pair = await createSelfSignedCert(null, null, '127.0.0.1')
const server = createServer(pair, async (request, response) => {
  if (request.method === 'GET') {
    // A client that has enough goes away.
    await pipeline(zeros, response).catch(() => {})
    return
  }
  const hash = createHash('sha256')
  for await (const chunk of request) hash.update(chunk)
  response.end(hash.digest('hex'))
}).listen(0, '127.0.0.1')
await once(server, 'listening')

const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`
const session = new Session({ verify: pair.cert, trustEnv: false })

// Down: the headers are there when the call resolves, the body goes to the disk at the disk's pace.
const download = await session.get(url, { stream: true, maxResponseSize: SIZE })
await pipeline(download.raiseForStatus(), createWriteStream(file))
console.log('downloaded to the disk')

// Up: the file's stream has a length, which is announced.
const steps = new Set<number>()
const upload = await session.put(url, {
  data: createReadStream(file),
  onUploadProgress: ({ percent }) => steps.add(Math.floor(percent * 4) * 25),
})
console.log(`uploaded: ${[...steps].map((step) => `${step} %`).join(', ')}`)
console.log(`SHA-256 of the upload ${upload.text === hashOfZeros() ? 'as it should be' : 'wrong'}`)

// More than was allowed is an error, and the rest stays where it is.
try {
  await session.get(url, { maxResponseSize: MIB })
} catch (error) {
  if (!(error instanceof RequestException)) throw error
  console.log(`refused: ${error.code}`)
}

await session.close()
server.close()
rmSync(folder, { recursive: true })

function* zeros(): Generator<Buffer> {
  for (let sent = 0; sent < SIZE; sent += MIB) yield Buffer.alloc(MIB)
}

function hashOfZeros(): string {
  const hash = createHash('sha256')
  for (const chunk of zeros()) hash.update(chunk)
  return hash.digest('hex')
}
