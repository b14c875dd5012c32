/** Other clients with vouch's trust, where the environment names a proxy: in processes of their own. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { trustedAgent } from '../../src/index.ts'
import { withEnv } from '../helpers/environment.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startProxy } from '../helpers/proxy.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const dir = tempDir()
const bundle = dir.write('company.pem', authority.certificate)
let server: TestServer
let stranger: TestServer

before(async () => {
  const [ours, theirs] = [authority.issue(), createAuthority().issue()]
  server = await startHttpsServer({ cert: ours.chain, key: ours.key })
  stranger = await startHttpsServer({ cert: theirs.chain, key: theirs.key })
})

after(async () => {
  await server[Symbol.asyncDispose]()
  await stranger[Symbol.asyncDispose]()
  dir[Symbol.dispose]()
})

const AGENT = `const agent = trustedAgent({ verify: bundle, proxy: true })`

/** How each client asks: the lines of docs/guides/company-networks.md. */
const CLIENTS: Readonly<Record<string, string>> = {
  vouch: 'const ask = async (url) => (await get(url, { verify: bundle })).statusCode',
  'fetch of vouch': `const { fetch } = new Session({ verify: bundle })
    const ask = async (url) => (await fetch(url)).status`,
  axios: `import axios from 'axios'; ${AGENT}
    const ask = async (url) => (await axios.get(url, { httpsAgent: agent, proxy: false })).status`,
  got: `import got from 'got'; ${AGENT}
    const ask = async (url) => (await got(url, { agent: { https: agent }, retry: { limit: 0 } })).statusCode`,
  'node-fetch': `import fetch from 'node-fetch'; ${AGENT}
    const ask = async (url) => (await fetch(url, { agent })).status`,
  'https.get': `import https from 'node:https'; import { once } from 'node:events'; ${AGENT}
    const ask = async (url) => (await once(https.get(url, { agent }), 'response'))[0].resume().statusCode`,
  undici: `import { ProxyAgent, request } from 'undici'
    const dispatcher = new ProxyAgent({ uri: process.env.HTTPS_PROXY, requestTls: tlsOptions(bundle) })
    const ask = async (url) => {
      const { statusCode, body } = await request(url, { dispatcher })
      await body.dump()
      return statusCode
    }`,
}

/** What is printed of our server, and of the one that is not trusted. */
function ask(client: string, env: NodeJS.ProcessEnv, flags: string[] = []): Promise<string> {
  const script = `import { get, Session, tlsOptions, trustedAgent } from '${moduleUrl('index')}'
    const [bundle, ...urls] = process.argv.slice(1)
    ${client}
    for (const url of urls)
      console.log(await ask(url).catch((error) => /UNABLE_TO|unable to get local issuer/.test(error.code + error.message + error.cause?.code)))
    process.exit()`
  return outputOfScript(script, { flags, args: [bundle, server.url, stranger.url], env })
}

for (const [name, client] of Object.entries(CLIENTS)) {
  for (const settings of [{}, { NODE_USE_ENV_PROXY: '1' }]) {
    const title = Object.keys(settings).map((key) => ` and ${key}`)
    test(`${name} with HTTPS_PROXY${title}: through the proxy once, and verified`, async () => {
      await using proxy = await startProxy()
      assert.equal(await ask(client, { ...settings, HTTPS_PROXY: proxy.url }), '200\ntrue\n')
      assert.deepEqual(proxy.tunnels, [`localhost:${server.port}`, `localhost:${stranger.port}`])
      assert.deepEqual(proxy.forwarded, [])
    })
  }
}

test('an agent with proxy: true connects directly where NO_PROXY says so, or no variable is set', async () => {
  await using proxy = await startProxy()
  for (const env of [{ HTTPS_PROXY: proxy.url, NO_PROXY: 'localhost' }, {}])
    assert.equal(await ask(CLIENTS.axios ?? '', env), '200\ntrue\n')
  assert.deepEqual(proxy.tunnels, [])
})

test('an agent without proxy connects directly, whatever the environment says', async () => {
  await using proxy = await startProxy()
  const client = (CLIENTS['https.get'] ?? '').replace(', proxy: true', '')
  const env = { HTTPS_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' }
  assert.equal(await ask(client, env), '200\ntrue\n')
  assert.deepEqual(proxy.tunnels, [])
})

test("Node's fetch with NODE_USE_ENV_PROXY and vouch/register goes through the proxy, and trusts the bundle", async (t) => {
  if (!process.allowedNodeEnvironmentFlags.has('--use-env-proxy')) return t.skip('this Node has no NODE_USE_ENV_PROXY')
  await using proxy = await startProxy()
  const env = { HTTPS_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1', REQUESTS_CA_BUNDLE: bundle }
  const client = 'const ask = async (url) => (await fetch(url)).status'
  assert.equal(await ask(client, env, ['--import', moduleUrl('register')]), '200\ntrue\n')
  assert.deepEqual(proxy.tunnels, [`localhost:${server.port}`, `localhost:${stranger.port}`])
})

test('a proxy of the environment that cannot be used is the error of the request; false is no proxy at all', async () => {
  const agent = trustedAgent({ verify: bundle, proxy: true })
  const { default: axios } = await import('axios')
  await withEnv({ HTTPS_PROXY: 'ftp://127.0.0.1' }, () =>
    assert.rejects(axios.get(server.url, { httpsAgent: agent, proxy: false }), /proxy/i),
  )
  assert.throws(() => trustedAgent({ proxy: false as true }), /must be the URL of a proxy/)
})
