/** `node --import vouch/register`, in processes of their own: as it is built, by its name, beside each client; else as it is here. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority, toTrustedCertificate } from '../helpers/pki.ts'
import { type Ran, runScript } from '../helpers/processes.ts'
import { startHttpsServer, type TestServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const stranger = createAuthority()
const dir = tempDir()
const bundle = dir.write('company.pem', authority.certificate)
let server: TestServer
let strange: TestServer

before(async () => {
  const [ours, theirs] = [authority.issue(), stranger.issue()]
  server = await startHttpsServer({ cert: ours.chain, key: ours.key })
  strange = await startHttpsServer({ cert: theirs.chain, key: theirs.key })
})

after(async () => {
  await server[Symbol.asyncDispose]()
  await strange[Symbol.asyncDispose]()
  dir[Symbol.dispose]()
})

/** A program that exits, or is killed after 20 s and has no exit status then. */
function start(
  program: string,
  env: NodeJS.ProcessEnv,
  args: string[] = [],
  register = moduleUrl('register'),
): Promise<Ran> {
  return runScript(program, { flags: ['--import', register], args, env, limit: 20_000 })
}

/** How each client asks: what it resolves to is the status. */
const CLIENTS: Readonly<Record<string, string>> = {
  fetch: 'const ask = async (url) => (await fetch(url)).status',
  'https.get': `import https from 'node:https'; import { once } from 'node:events'
    const ask = async (url) => {
      const [response] = await once(https.get(url), 'response')
      return response.resume().statusCode
    }`,
  got: `import got from 'got'; const ask = async (url) => (await got(url, { retry: { limit: 0 } })).statusCode`,
  axios: `import axios from 'axios'; const ask = async (url) => (await axios.get(url)).status`,
  undici: `import { request } from 'undici'
    const ask = async (url) => {
      const { statusCode, body } = await request(url)
      await body.dump()
      return statusCode
    }`,
  vouch: `import { get } from 'vouch'; const ask = async (url) => (await get(url, { verify: true })).statusCode`,
}

const ASK_EACH = `for (const url of process.argv.slice(1)) {
  console.log(await ask(url).catch((error) => (error.cause?.code ?? error.code)))
}`

for (const [name, client] of Object.entries(CLIENTS)) {
  test(`${name} trusts the bundle and nothing else, and the process exits`, async () => {
    const program = `${client}\n${ASK_EACH}`
    const urls = [server.url, strange.url]
    const { status, stdout, stderr } = await start(program, { REQUESTS_CA_BUNDLE: bundle }, urls, 'vouch/register')
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, /^200\n(?:UNABLE_TO_\w+|SELF_SIGNED_CERT_IN_CHAIN)\n$/)
    const without = await start(program, {}, [server.url], 'vouch/register')
    assert.match(without.stdout, /^(?:UNABLE_TO_\w+|SELF_SIGNED_CERT_IN_CHAIN)\n$/)
  })
}

const COUNT = "import tls from 'node:tls'; console.log(tls.getCACertificates('default').length)"
const roots = tls.rootCertificates.length

const VARIABLES: readonly (readonly [what: string, env: NodeJS.ProcessEnv, added: number])[] = [
  ['REQUESTS_CA_BUNDLE', { REQUESTS_CA_BUNDLE: bundle }, 1],
  ['CURL_CA_BUNDLE', { CURL_CA_BUNDLE: bundle }, 1],
  ['a directory', { REQUESTS_CA_BUNDLE: dir.path }, 1],
  ['the first of both', { REQUESTS_CA_BUNDLE: bundle, CURL_CA_BUNDLE: '/nowhere' }, 1],
  ['the second where the first is empty', { REQUESTS_CA_BUNDLE: '', CURL_CA_BUNDLE: bundle }, 1],
  ['no variable', {}, 0],
]

for (const [what, env, added] of VARIABLES) {
  test(`Node's roots stay, and what they are joined by comes from ${what}`, async () => {
    assert.deepEqual(await start(COUNT, env), { status: 0, stdout: `${roots + added}\n`, stderr: '' })
  })
}

test('for the clients of Node an intermediate alone vouches for nothing, as the guide says', async () => {
  const intermediate = stranger.intermediate()
  const { chain, key } = intermediate.issue()
  await using below = await startHttpsServer({ cert: chain, key })
  const env = { REQUESTS_CA_BUNDLE: dir.write('intermediate/ca.pem', intermediate.certificate) }
  for (const [name, expected] of [
    ['fetch', /^UNABLE_TO_\w+\n$/],
    ['vouch', /^200\n$/],
  ] as const) {
    const program = `${CLIENTS[name]}\n${ASK_EACH}`.replace(', { verify: true }', '')
    assert.match((await start(program, env, [below.url])).stdout, expected)
  }
})

const UNUSABLE: readonly (readonly [what: string, path: string, message: RegExp])[] = [
  ['is not there', dir.join('missing.pem'), /invalid path: .*missing\.pem/],
  ['holds no certificate', dir.write('not-a-bundle/key.txt', 'hello'), /key\.txt/],
  ['has trust settings', dir.write('settings/trusted.pem', toTrustedCertificate(authority.certificate)), /TRUSTED/],
  ['is damaged', dir.write('damaged/half.pem', authority.certificate.slice(0, 200)), /half\.pem/],
]

for (const [what, path, message] of UNUSABLE) {
  test(`with a bundle that ${what} the process does not start, and says why`, async () => {
    const { status, stdout, stderr } = await start("console.log('started')", { CURL_CA_BUNDLE: path })
    assert.deepEqual([status, stdout], [1, ''])
    assert.match(stderr, /^vouch: error: CURL_CA_BUNDLE: /)
    assert.match(stderr, message)
    assert.doesNotMatch(stderr, /\n {4}at /)
  })
}
