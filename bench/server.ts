/** The server of the benchmark: 60 bytes of JSON over TLS, on loopback, until the parent process ends. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'

const [certFile = '', keyFile = ''] = process.argv.slice(2)
const body = JSON.stringify({ id: 1, name: 'Ada Lovelace', tags: ['a', 'b'], ok: true, n: 1 })
const server = createServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) }, (_request, response) => {
  response.setHeader('content-type', 'application/json')
  response.end(body)
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
