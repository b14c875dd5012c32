/** Names with several addresses, of which one is slow or dead. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { type ChildProcess, fork } from 'node:child_process'
import dns from 'node:dns'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { get, Session } from '../../src/index.ts'
import { startHttpServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const folder = tempDir()
const lookup = dns.lookup
/** The addresses of `several.test`. */
let addresses: string[] = []

before(() => {
  const replaced = (host: string, options: dns.LookupOptions, callback: (...result: unknown[]) => void) => {
    if (host !== 'several.test') lookup(host, options, callback as never)
    else if (options.all)
      process.nextTick(
        callback,
        null,
        addresses.map((address) => ({ address, family: 4 })),
      )
    else process.nextTick(callback, null, addresses[0], 4)
  }
  // Node's sockets look the function up for each connection.
  dns.lookup = replaced as typeof dns.lookup
})

after(() => {
  dns.lookup = lookup
  folder[Symbol.dispose]()
})

/** Answers requests; on the message `block` its process does nothing for so many ms, so that the kernel's queue fills. */
const SLOW_SERVER = `
import { createServer } from 'node:http'
const server = createServer((request, response) => response.writeHead(200, { Connection: 'close' }).end('slow'))
server.on('connect', (request, socket) => socket.end('HTTP/1.1 503 Slow\\r\\n\\r\\n'))
server.listen({ port: 0, host: '127.0.0.2', backlog: 1 }, () => process.send(server.address().port))
process.on('message', (ms) => {
  process.send('blocked')
  setTimeout(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms), 50)
})
`

interface SlowServer extends AsyncDisposable {
  readonly port: number
}

/** A server on 127.0.0.2 that accepts no connection for so many ms. */
async function startSlow(ms: number): Promise<SlowServer> {
  const path = `${folder.path}/slow.mjs`
  writeFileSync(path, SLOW_SERVER)
  const child: ChildProcess = fork(path, { execArgv: [] })
  const [port] = (await once(child, 'message')) as [number]
  child.send(ms)
  await once(child, 'message')
  await new Promise((resolve) => setTimeout(resolve, 150))
  const fillers: Socket[] = Array.from({ length: 4 }, () => connect(port, '127.0.0.2').on('error', () => {}))
  await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    port,
    async [Symbol.asyncDispose]() {
      for (const socket of fillers) socket.destroy()
      child.kill()
      await once(child, 'exit')
    },
  }
}

const DEAD = '127.0.0.3'
const SLOW = '127.0.0.2'

for (const order of [
  [SLOW, DEAD],
  [DEAD, SLOW],
]) {
  test(`of the addresses ${order.join(' and ')} the slow one answers within the connect limit`, async () => {
    await using server = await startSlow(700)
    addresses = order
    const response = await get(`http://several.test:${server.port}/`, { timeout: { connect: 8000 } })
    assert.equal(response.text, 'slow')
  })

  test(`of the addresses ${order.join(' and ')} of a proxy the slow one answers within the connect limit`, async () => {
    await using server = await startSlow(700)
    addresses = order
    const options = { proxies: { all: `http://several.test:${server.port}` }, timeout: { connect: 8000 } }
    assert.equal((await get('http://origin.test/', options)).text, 'slow')
    await assert.rejects(get('https://origin.test/', options), { name: 'ProxyError', message: /503 Slow$/ })
  })
}

test('an address that does not answer leaves half of the connect limit to the next one', async () => {
  await using silent = await startSlow(20_000)
  await using server = await startHttpServer({ port: silent.port })
  addresses = [SLOW, '127.0.0.1']
  await using session = new Session({ timeout: { connect: 3000 } })
  assert.equal((await session.get(`http://several.test:${server.port}/`)).statusCode, 200)
})

test('the error names each address with its problem', async () => {
  await using silent = await startSlow(20_000)
  addresses = [SLOW, DEAD]
  await assert.rejects(get(`http://several.test:${silent.port}/`, { timeout: { connect: 1000 } }), {
    name: 'ConnectionError',
    message: /127\.0\.0\.2: no answer in time; 127\.0\.0\.3: connection refused: nothing listens there$/,
  })
})
