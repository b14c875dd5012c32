/** An app to bundle: what it does needs libraries that vouch loads late. Prints what it saw. */
import { writeFileSync } from 'node:fs'
import { get, HTTPError, Session, SSLError } from 'vouch'

async function main() {
  const { url, other, ca, socks } = JSON.parse(process.argv[2])
  await using session = new Session({ verify: ca })
  await session.get(`${url}/cookie`)
  const cookies = (await session.get(`${url}/echo`)).json().headers.cookie
  const { links } = await session.get(`${url}/links`)
  const { text, apparentEncoding } = await session.get(`${url}/charset`)
  const proxied = (await get(`${url}/echo`, { verify: ca, proxies: { all: `socks4a://${socks}` } })).statusCode
  const status = await session.get(`${url}/missing`).then((response) => nameOf(() => response.raiseForStatus()))
  const refused = await get(other, { verify: ca }).then(String, (error) => {
    return { isOurs: error instanceof SSLError, name: error.name, reason: error.reason }
  })
  const noConnection = await get('http://127.0.0.1:1/').then(String, (error) => error.name)
  const fetched = await (await session.fetch(`${url}/echo`)).json()
  return { cookies, links, text, apparentEncoding, proxied, status, refused, noConnection, method: fetched.method }
}

function nameOf(action) {
  try {
    action()
    return 'no error'
  } catch (error) {
    return `${error.name} ${error instanceof HTTPError}`
  }
}

main().then(
  (seen) => writeFileSync(1, JSON.stringify(seen)),
  (error) => {
    console.error(error)
    process.exitCode = 1
  },
)
