/**
 * I5: a private key, damaged in any way, given to any option of any function and of the command line: no part of it is in what comes
 * out, be it an error with its causes, properties and stack, a warning, an event, or output.
 */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { subscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, request } from 'node:https'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import {
  createCA,
  createSelfSignedCert,
  ensureSelfSignedCert,
  fetchCert,
  inspectCert,
  loadCA,
  watchCert,
} from '../../src/certs/index.ts'
import { SESSION_OPTIONS } from '../../src/client/session-options.ts'
import { REQUEST_OPTIONS } from '../../src/client/settings.ts'
import {
  CABundle,
  CookieJar,
  disableWarnings,
  explain,
  get,
  HTTPAdapter,
  post,
  Request,
  Session,
  tlsOptions,
  trustedAgent,
} from '../../src/index.ts'
import { main } from '../cli/vouch.ts'
import { DAMAGED, KEYS, type MarkedKey } from '../helpers/damaged-keys.ts'
import { withEnv } from '../helpers/environment.ts'
import { createAuthority } from '../helpers/pki.ts'
import { run } from '../helpers/processes.ts'
import { tempDir } from '../helpers/temp.ts'

const { certificate } = createAuthority()
const URL_ = 'https://localhost:1/'
const session = new Session({ verify: certificate })
const server = createServer()
const seen: unknown[] = []
subscribe('vouch:trust', (message) => seen.push(message))
process.removeAllListeners('warning')
process.on('warning', (warning) => seen.push(warning))

// What is taken for a path is written in a directory of its own.
const home = process.cwd()
const dir = tempDir()
process.chdir(dir.path)
after(() => {
  process.chdir(home)
  dir[Symbol.dispose]()
})

/** A way in: what is called with the damaged key. Whatever it throws or returns is searched. */
// biome-ignore lint/suspicious/noExplicitAny: options are given what their types exclude
type Way = (text: any) => unknown

/** Names of options of requests and sessions, without those that are sent. */
const OPTIONS = [...new Set([...REQUEST_OPTIONS, ...SESSION_OPTIONS])].filter(
  (name) => name !== 'data' && name !== 'json',
)
const CERT_OPTIONS = ['days', 'keyType', 'hash', 'commonName', 'organization', 'passphrase', 'overwrite', 'ca']

// biome-ignore lint/suspicious/noExplicitAny: as above
const anyOf = (make: (options: any) => unknown, names: readonly string[]): Way[] => [
  ...names.map(
    (name): Way =>
      (text) =>
        make({ [name]: text }),
  ),
  (text) => make({ [text]: true }),
  (text) => make(text),
]

const WAYS: readonly Way[] = [
  ...anyOf(
    (options) => get(URL_, options),
    OPTIONS.filter((name) => !['params'].includes(name)),
  ),
  ...anyOf((options) => new Session(options), OPTIONS),
  ...anyOf((options) => explain(URL_, options), ['verify', 'cert', 'proxies', 'timeout', 'trustEnv']),
  ...anyOf((options) => new HTTPAdapter(options), ['poolMaxsize', 'maxRetries', 'poolBlock', 'keepAliveTimeout']),
  ...anyOf((options) => trustedAgent(options), ['verify', 'cert', 'proxy']),
  ...anyOf((options) => tlsOptions(certificate, options), ['cert']),
  ...anyOf(
    (options) => createSelfSignedCert(null, null, 'localhost', options),
    CERT_OPTIONS.filter((name) => name !== 'passphrase'),
  ),
  ...anyOf(
    (options) => createCA(options),
    CERT_OPTIONS.filter((name) => !['ca', 'passphrase'].includes(name)),
  ),
  ...anyOf((options) => fetchCert(URL_, options), ['timeout', 'proxies', 'servername', 'trustEnv']),
  ...['cert', 'key', 'pfx', 'passphrase'].map(
    (name): Way =>
      (text) =>
        get(URL_, { cert: { cert: certificate, [name]: text } as never }),
  ),
  (text) => get(URL_, { cert: { pfx: text } }),
  (text) => get(URL_, { cert: { pfx: Buffer.from(text) } }),
  (text) => get(URL_, { cert: { cert: certificate, key: Buffer.from(text) } }),
  (text) => get(URL_, { cert: { cert: Buffer.from(text) } }),
  (text) => get(URL_, { cert: [text, text] }),
  (text) => get(URL_, { cert: [certificate, text] }),
  (text) => get(URL_, { verify: [certificate, text] }),
  (text) => get(URL_, { verify: Buffer.from(text) }),
  (text) => get(URL_, { proxies: { all: text } }),
  (text) => get(URL_, { headers: { 'X-Key': `${text}\n` } }),
  (text) => get(URL_, { cookies: { x: text } }),
  (text) => get(URL_, { json: 1n as never, auth: [text, text] }),
  (text) => get(text),
  // In place of a host.
  ...['', 'http://', 'https://', 'https://user:x@', 'socks5h://', 'tls://'].flatMap((scheme): Way[] => [
    (text) => get(`${scheme}${toHost(text)}:8443/x`),
    (text) => get(`${scheme}${toLabel(text)}:8443/x`),
    (text) => session.fetch(`${scheme}${toHost(text)}`),
    (text) => fetchCert(`${scheme}${toLabel(text)}`),
    (text) => explain(`${scheme}${toLabel(text)}:1`),
    (text) => get(URL_, { proxies: { all: `${scheme}${toLabel(text)}` } }),
  ]),
  (text) => new HTTPAdapter({ connectTo: { [toLabel(text)]: 'localhost' } }),
  (text) => new HTTPAdapter({ connectTo: { localhost: toLabel(text) } }),
  (text) => createSelfSignedCert(null, null, toLabel(text)),
  (text) => once(request({ host: toLabel(text), agent: trustedAgent() }), 'error').then(([error]) => error),
  (text) => new Request(text, URL_).prepare(),
  (text) => new Request('GET', URL_, { headers: { 'X-Api-Key': text.replace(/[^!-~]/g, '') } }).prepare(),
  (text) => CABundle.from(text).certificates,
  (text) => CABundle.default().with(text).certificates,
  ...anyOf(
    (init) => session.fetch(URL_, init),
    [
      'method',
      'redirect',
      'credentials',
      'cache',
      'mode',
      'referrer',
      'referrerPolicy',
      'integrity',
      'duplex',
      'priority',
    ],
  ),
  (text) => session.fetch(text),
  (text) => session.fetch(URL_, { headers: { 'X-Own': `${text}\0` } }),
  (text) => session.mount(text, new HTTPAdapter()),
  (text) => session.mount('https://', text),
  (text) => new HTTPAdapter({ connectTo: { [text]: text } }),
  (text) => new CookieJar().set('sid', 'x', { domain: text }),
  (text) => watchCert(server, text, text),
  (text) => createSelfSignedCert(text, text, 'localhost'),
  (text) => createSelfSignedCert(text, `${text}.key`, 'localhost'),
  (text) => createSelfSignedCert(null, null, text),
  (text) => ensureSelfSignedCert(text, `${text}.key`, 'localhost'),
  (text) => loadCA(text, `${text}.key`),
  (text) => inspectCert(text),
  (text) => fetchCert(text),
  (text) => withEnv({ REQUESTS_CA_BUNDLE: text.replaceAll('\0', '') }, () => get(URL_)),
  (text) => withEnv({ CURL_CA_BUNDLE: text.replaceAll('\0', '') }, () => explain(URL_)),
  (text) => withEnv({ HTTPS_PROXY: text.replaceAll('\0', '') }, () => get(URL_)),
  (text) => withEnv({ NETRC: text.replaceAll('\0', '') }, () => get(URL_)),
  async (text) => {
    using dir = tempDir()
    const path = dir.write('file.pem', text)
    await get(URL_, { verify: path }).catch((error) => seen.push(error))
    await get(URL_, { cert: path }).catch((error) => seen.push(error))
    await get(URL_, { cert: { pfx: path } }).catch((error) => seen.push(error))
    await inspectCert(path)
  },
]

/** Printable, and without slashes: behind one is a path, of which nothing can be known. */
const toHost = (text: string) => (/[^ -~]/.test(text) ? 'localhost' : text.replaceAll('/', '+'))

/** Cut to the length of a label of a host name, if it consists of what a host may have. */
const toLabel = (text: string) => (/^[\w+=/-]+$/.test(text.slice(0, 60)) ? toHost(text).slice(0, 60) : toHost(text))

function search(key: MarkedKey, value: unknown, where: string): void {
  const texts = [
    inspect(value, { depth: 12, showHidden: true, maxStringLength: null, maxArrayLength: null }),
    inspect(value, { depth: 12, getters: true, maxStringLength: null }),
    (() => {
      try {
        return JSON.stringify(value) ?? ''
      } catch {
        return ''
      }
    })(),
  ]
  for (let error = value; error instanceof Error; error = error.cause) {
    texts.push(error.message, error.stack ?? '', String(error), JSON.stringify(Object.getOwnPropertyDescriptors(error)))
  }
  for (const text of texts) assert(!key.isIn(text), `${where}: ${text.slice(0, 1500)}`)
}

async function tryAll(key: MarkedKey, form: string, text: string): Promise<void> {
  for (const [index, way] of WAYS.entries()) {
    try {
      const result = await way(text)
      if (result instanceof Error) search(key, result, `way ${index}`)
      if (result instanceof Session) search(key, result, `way ${index}`)
    } catch (error) {
      search(key, error, `${form}, way ${index}: ${way}`)
    }
  }
  for (const value of seen.splice(0)) search(key, value, `${form}: a warning or an event`)
}

const CHOSEN = KEYS.filter(([kind]) => ['RSA', 'EC in SEC1', 'encrypted'].includes(kind))
for (const [kind, key] of CHOSEN) {
  for (const [form, damage] of DAMAGED) {
    test(`${kind}: ${form} is in nothing that comes out`, async () => {
      await tryAll(key, form, damage(key.pem, key.der))
    })
  }
}

const COMMANDS: readonly (readonly string[])[] = [
  ['get', 'https://localhost:1/', '--verify', 'KEY'],
  ['get', 'https://localhost:1/', '--cert', 'KEY', '--key', 'KEY'],
  ['check', 'https://localhost:1/', '--verify', 'KEY', '--json'],
  ['check', 'KEY'],
  ['get', 'https://localhost:1/', '--timeout', 'KEY'],
  ['get', 'https://localhost:1/', '--proxy', 'KEY'],
  ['get', 'https://localhost:1/', '-o', 'KEY'],
  ['cert', 'show', 'KEY'],
  ['cert', 'create', 'KEY'],
  ['cert', 'create', 'localhost', '--days', 'KEY'],
  ['cert', 'create', 'localhost', '--key-type', 'KEY'],
  ['cert', 'create', 'localhost', '--passphrase-file', 'KEY'],
  ['cert', 'ensure', 'localhost', '--cert', 'KEY', '--key', 'KEY'],
  ['cert', 'fetch', 'KEY'],
  ['KEY'],
  ['--KEY'],
  ['get', '--KEY'],
  ['audit', 'KEY'],
  ['request', 'KEY', 'https://localhost:1/'],
  ['get', 'https://localhost:1/', '-H', 'KEY'],
  ['get', 'https://localhost:1/', '--connect-to', 'KEY'],
  ['post', 'https://localhost:1/', '-d', '@KEY'],
  ['post', 'https://localhost:1/', '--data-json', 'KEY'],
  ['post', 'https://localhost:1/', '-F', 'KEY'],
  ['ca', 'issue', 'localhost', '--ca', 'KEY'],
  ['ca', 'issue', 'localhost', '--ca-passphrase-file', 'KEY'],
]

test('no command prints a key that it is given', { timeout: 300_000 }, async () => {
  const [, key] = KEYS.find(([kind]) => kind === 'EC') ?? assert.fail()
  const forms = ['base64 of PEM', 'DER in base64', 'PEM with blanks for line feeds', 'PEM without its first line']
  const tasks = COMMANDS.map((command, index) => async () => {
    const [form = '', damage] = DAMAGED.find(([name]) => name === forms[index % forms.length]) ?? assert.fail()
    const text = damage(key.pem, key.der)
    const args = command.map((word) => word.replace('KEY', text))
    using dir = tempDir()
    const output = await run(process.execPath, [main, ...args], { cwd: dir.path })
    assert(
      !key.isIn(`${output.stdout}${output.stderr}`),
      `${command.join(' ')}, ${form}: ${output.stdout}${output.stderr}`,
    )
  })
  for (const task of tasks) await task()
})

test('what was passed in place of something else is not repeated: options, headers, warnings, URLs of files, proxies, cookies', async () => {
  const { pem } = KEYS[0]?.[1] ?? assert.fail()
  const url = 'https://localhost:1/'
  await using session = new Session({ trustEnv: false })
  const calls: [what: string, call: () => unknown][] = [
    ['a body in place of options', () => post(url, 'password=hunter2' as never)],
    ['a passphrase in place of options', () => loadCA('ca.pem', 'ca.key', 'hunter2' as never)],
    ['a passphrase in place of options', () => tlsOptions(true, 'hunter2' as never)],
    ['a header of fetch', () => session.fetch(url, { headers: { Authorization: 'Bearer hunter2\nx' } })],
    ['a header name of fetch', () => session.fetch(url, { headers: [['Bearer hunter2', 'x']] })],
    ['a key as the name of a warning', () => disableWarnings(pem as never)],
    ['a URL of a file', () => get(url, { verify: new URL('file:///hunter2%2Fx') })],
    ['a URL of a file for vouch/certs', () => createSelfSignedCert(new URL('file:///hunter2%2Fx'), null, 'localhost')],
    ['a proxy without a host', () => get(url, { proxies: { https: 'ada:hunter2' } })],
    ['a cookie in place of its name', () => get(url, { cookies: { 'sid=hunter2': 'x' } })],
  ]
  for (const [what, call] of calls) {
    const error = await (async () => call())().then(
      () => assert.fail(`${what} must be refused`),
      (reason: unknown) => reason,
    )
    assert.doesNotMatch(
      inspect(error, { depth: 9, showHidden: true }).replace(/\n +at .*/g, ''),
      /hunter2|PRIVATE KEY/,
      what,
    )
  }
})
