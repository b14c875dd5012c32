/**
 * Through a proxy, to a server that is verified all the same: `node docs/examples/proxy.ts`.
 *
 * The proxy here is twenty lines and stands on loopback. It sees where a request goes, and nothing of what it says.
 */
import { once } from 'node:events'
import { createServer as createProxy } from 'node:http'
import { createServer } from 'node:https'
import { type AddressInfo, connect, type Server } from 'node:net'
import { ProxyError, Session } from 'vouch'
import { createSelfSignedCert } from 'vouch/certs'

const pair = await createSelfSignedCert(null, null, ['localhost', '127.0.0.1'])
const server = createServer(pair, (_request, response) => response.end('hello'))
const serverPort = await listen(server)

const expected = `Basic ${Buffer.from('ada:secret').toString('base64')}`
const proxy = createProxy()
proxy.on('connect', (request, client) => {
  if (request.headers['proxy-authorization'] !== expected) {
    client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
    return
  }
  console.log(`proxy    is asked for ${request.url?.replace(/\d+$/, 'PORT')}`)
  const [host = '', port] = request.url?.split(':') ?? []
  const target = connect(Number(port), host, () => {
    client.write('HTTP/1.1 200 OK\r\n\r\n')
    client.pipe(target).pipe(client)
  })
  client.on('error', () => target.destroy())
  target.on('error', () => client.destroy())
})
const proxyPort = await listen(proxy)

const url = `https://127.0.0.1:${serverPort}/`
const session = new Session({
  verify: pair.cert,
  proxies: { https: `http://ada:secret@127.0.0.1:${proxyPort}` },
  trustEnv: false,
})
for (const turn of ['first', 'second']) {
  const { text, tls } = await session.get(url)
  const tunnel = tls?.reused ? 'same' : 'new'
  console.log(`client   ${turn} request: ${text}, ${tls?.verified && 'verified'}, ${tunnel} tunnel`)
}

try {
  await session.get(url, { proxies: { https: `http://ada:wrong@127.0.0.1:${proxyPort}` } })
} catch (error) {
  if (!(error instanceof ProxyError)) throw error
  console.log(`client   with a wrong password: ${error.name}`)
}
const direct = await session.get(url, { proxies: { https: '' } })
console.log(`client   without the proxy: ${direct.text}`)

await session.close()
proxy.close()
server.close()

async function listen(listener: Server): Promise<number> {
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  return (listener.address() as AddressInfo).port
}
