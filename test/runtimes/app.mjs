/** What a runtime does with the servers of the test; prints the outcomes. */
import { writeFileSync } from 'node:fs'
import { explain, get, Session, SSLError } from 'vouch'

const { urls, ca, other, identity, pin, wrongPin, proxy, socks } = JSON.parse(process.argv[2])
const outcomes = {}
let uncaught = 0
for (const event of ['uncaughtException', 'unhandledRejection'])
  process.on(event, (error) => {
    uncaught = 1
    console.error('uncaught', error)
  })

async function note(name, action) {
  outcomes[name] = await action().catch((error) => {
    const { name, reason } = error instanceof SSLError ? error : (error.cause ?? error)
    return error instanceof SSLError || error.cause instanceof SSLError
      ? `${name}: ${reason}`
      : `${error.name}: ${error.message}`
  })
}

const status = async (url, options) => (await get(url, options)).statusCode

await note('its CA', () => status(urls.good, { verify: ca }))
await note('another CA', () => status(urls.good, { verify: other }))
await note('its CA again', () => status(urls.good, { verify: ca }))
await note('the default roots', () => status(urls.good))
await note('no verification', () => status(urls.good, { verify: false }))
await note('expired', () => status(urls.expired, { verify: ca }))
await note('another name', () => status(urls.misnamed, { verify: ca }))
await note('a certificate for clients', () => status(urls.client, { verify: ca }))
await note('the pin', () => status(urls.pinned, { verify: pin }))
await note('another pin', () => status(urls.pinned, { verify: wrongPin }))
await note('with a client certificate', () => status(urls.mutual, { verify: ca, cert: identity }))
await note('without a client certificate', () => status(urls.mutual, { verify: ca }))
await note('through a proxy', () => status(urls.good, { verify: ca, proxies: { https: proxy } }))
await note('through a proxy, another CA', () => status(urls.good, { verify: other, proxies: { https: proxy } }))
await note('through SOCKS', () => status(urls.good, { verify: ca, proxies: { https: socks } }))
await note('explain', async () => (await explain(urls.good, { verify: other })).ok)
await note('a session', async () => {
  const session = new Session({ verify: ca })
  await session.get(`${urls.good}/cookie`)
  const { cookie } = (await session.post(`${urls.good}/echo`, { json: { a: 1 } })).json().headers
  await session.close()
  return cookie
})
await note('fetch', async () => {
  const session = new Session({ verify: ca })
  const text = await (await session.fetch(`${urls.good}/echo`, { method: 'POST', body: 'abc' })).json()
  await session.close()
  return text.body
})
await note('fetch, another CA', () => new Session({ verify: other }).fetch(urls.good))

writeFileSync(1, JSON.stringify(outcomes))
process.exit(uncaught)
