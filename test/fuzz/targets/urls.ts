/** URLs, proxies, and where redirects lead. */
import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { redirectStep } from '../../../src/client/redirects.ts'
import { HeaderMap } from '../../../src/http/headers.ts'
import { prepareUrl } from '../../../src/http/url.ts'
import { type Adapter, Session } from '../../../src/index.ts'
import type { SendSettings, WireRequest } from '../../../src/transport/adapter.ts'
import { bypassesProxy, proxyFor } from '../../../src/transport/proxies.ts'
import { textOf } from '../arbitraries.ts'
import { FOUND_PROXIES, FOUND_REDIRECTS, FOUND_URLS } from '../found.ts'
import { assertExpected, attempt, type Target, target } from '../harness.ts'

const URL_PIECES = [
  ...[
    'http://',
    'https://',
    'HTTPS:',
    '//',
    '/',
    '\\',
    '?',
    '#',
    '@',
    ':',
    '%',
    '%2f',
    '%zz',
    '..',
    '.',
    '[',
    ']',
    '::1',
  ],
  ...[
    'a.test',
    'b.test',
    'ada:secret@',
    '127.0.0.1',
    ':443',
    ':80',
    ':99999',
    ' ',
    '\t',
    '\n',
    '\0',
    'é',
    '\u3002',
    '*',
  ],
  ...['file:', 'data:,', 'javascript:', 'ftp://', 'unix:', 'x', '?q=1', '#part', '\ud800', '\u00ad'],
]
const urls = textOf(URL_PIECES, fc.string({ unit: 'binary', maxLength: 4 }))

const preparing = target('URLs', urls, checkUrl, FOUND_URLS)

function checkUrl(text: string): void {
  const url = attempt(() => prepareUrl(text))
  if (url === undefined || !/^https?:$/.test(url.protocol)) return
  assert.match(url.href, /^[!-~]+$/)
  assert.notEqual(url.host, '')
  // What was prepared stays as it is, wherever it goes next; and it leads where any reader of URLs would go.
  assert.equal(prepareUrl(url.href).href, url.href)
  assert.equal(url.host, new URL(text.trimStart()).host)
}

const PROXY_PIECES = [
  ...['http://', 'https://', 'socks5h://', 'socks4://', 'socks://', 'quic://', '//', ':', '@', 'ada:secret@', 'proxy'],
  ...[':8080', ':99999', '[::1]', '%', '%00', '%0d%0a', '/', '?', '#', ' ', '\n', 'é'],
]

const proxies = target('proxy URLs', textOf(PROXY_PIECES, fc.string({ maxLength: 4 })), checkProxy, FOUND_PROXIES)

function checkProxy(text: string): void {
  const rules = { call: { all: text }, session: undefined, env: undefined, envOverSession: true }
  const proxy = attempt(() => proxyFor(new URL('https://a.test/'), rules))
  if (proxy === undefined) return
  assert.match(proxy.url.protocol, /^(?:https?|socks(?:4a?|5h?)):$/)
  assert.equal(proxy.url.username + proxy.url.password, '')
  assert.notEqual(proxy.url.host, '')
  if (proxy.authorization !== undefined) new HeaderMap().set('Proxy-Authorization', proxy.authorization)
}

const RULES = [
  ...[
    '*',
    ',',
    ', ',
    'a.test',
    '.a.test',
    '..a.test',
    'test',
    'A.TEST',
    'xa.test',
    'a.test:8443',
    '10.0.0.1',
    '10.0.0.0/8',
  ],
  ...['10.0.0.0/33', '10.0.0.0/0', '10.1.2.3/31', '0.0.0.0/1', '::1', '[::1]', 'fe80::', '/8', ':', '.', ' '],
]
const HOSTS = ['a.test', 'sub.a.test', 'xa.test', 'test', '10.0.0.1', '10.1.2.2', '200.0.0.1', '[::1]', '[fe80::1]']
const destinations = fc
  .tuple(fc.constantFrom(...HOSTS), fc.constantFrom('', ':8443'))
  .map(([host, port]) => `https://${host}${port}/`)

/** requests' `should_bypass_proxies` with `*` and IPv6 anywhere in the list, written once more, with addresses as numbers. */
function bypassModel(url: URL, rules: string): boolean {
  const list = rules.replaceAll(' ', '').toLowerCase()
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname
  return (
    list.split(',').includes('*') ||
    list.split(',').some((rule) => {
      if (rule === '') return false
      if (isIPv4(host)) return rule === host || inNetwork(host, rule)
      if (isIPv6(host)) return isRuleOfIPv6(host, url.port, rule)
      let name = rule
      while (name.startsWith('.')) name = name.slice(1)
      const endsIn = (text: string) => text === name || text.endsWith(`.${name}`)
      return name !== '' && (endsIn(host) || (url.port !== '' && endsIn(`${host}:${url.port}`)))
    })
  )
}

function isRuleOfIPv6(host: string, port: string, rule: string): boolean {
  const [, inBrackets, outside = '', ofPort = port] = /^\[([^\]]*)\](\/[0-9]+)?(?::([0-9]+))?$/s.exec(rule) ?? []
  const [base = '', bits = '128', ...more] = (inBrackets === undefined ? rule : inBrackets + outside).split('/')
  if (ofPort !== port || more.length > 0 || !isIPv6(base) || base.includes('%') || !/^[0-9]{1,3}$/.test(bits))
    return false
  const rest = 128 - Number(bits)
  return rest >= 0 && rest < 128 && hextets(host) >> BigInt(rest) === hextets(base) >> BigInt(rest)
}

/** An IPv6 address as one number. */
function hextets(address: string): bigint {
  // Without the dots of an embedded IPv4 address.
  const normal = new URL(`http://[${address}]/`).hostname.slice(1, -1)
  const [head = [], tail] = normal.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const all = tail === undefined ? head : [...head, ...Array(8 - head.length - tail.length).fill('0'), ...tail]
  return BigInt(`0x${all.map((group) => group.padStart(4, '0')).join('')}`)
}

function inNetwork(address: string, rule: string): boolean {
  const [base = '', bits = '', ...more] = rule.split('/')
  if (more.length > 0 || !isIPv4(base) || !/^[0-9]{1,2}$/.test(bits) || Number(bits) < 1 || Number(bits) > 32)
    return false
  const size = 2 ** (32 - Number(bits))
  return Math.floor(numberOf(address) / size) === Math.floor(numberOf(base) / size)
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

const noProxy = target(
  'NO_PROXY',
  fc.tuple(destinations, textOf(RULES, fc.string({ maxLength: 3 }))),
  ([destination, rules]) => {
    const url = new URL(destination)
    assert.equal(bypassesProxy(url, rules), bypassModel(url, rules))
  },
)

/** Whether credentials for one URL may go to another. */
function isAtHome(from: URL, to: URL): boolean {
  const isUpgrade = from.protocol === 'http:' && to.protocol === 'https:' && from.port === '' && to.port === ''
  return from.hostname === to.hostname && (from.origin === to.origin || isUpgrade)
}

const BASES = [
  'http://a.test/',
  'https://a.test/x/y?q#part',
  'http://a.test:8080/',
  'https://127.0.0.1/',
  'http://[::1]:80/',
]
const HEADERS = { Authorization: 'Bearer s', Cookie: 'own=1', 'Proxy-Authorization': 'Basic p', Host: 'virtual.test' }

const steps = target('one redirect', fc.tuple(fc.constantFrom(...BASES), urls), checkStep, FOUND_REDIRECTS)

function checkStep([base, text]: [base: string, location: string]): void {
  const from = new URL(base)
  // As Node hands it out: bytes.
  const location = Buffer.from(text).toString('latin1')
  const request = { method: 'POST', target: from, headers: HeaderMap.from(HEADERS) }
  const next = attempt(() => redirectStep(request, 302, location))
  if (next === undefined) return
  assert.match(next.url.protocol, /^https?:$/)
  assert.equal(next.url.username + next.url.password, '')
  assert(!next.headers.has('Cookie') && !next.headers.has('Proxy-Authorization'))
  assert.equal(next.headers.has('Authorization'), isAtHome(from, next.url))
  assert.equal(next.headers.has('Host'), from.origin === next.url.origin)
}

/** Answers with one redirect after the other, and notes what it is asked for. */
class Redirecting implements Adapter {
  readonly asked: { url: URL; authorization: boolean; cookie: string; cert: boolean }[] = []
  readonly #locations: string[]

  constructor(locations: readonly string[]) {
    this.#locations = [...locations]
  }

  async send({ target: url, headers }: WireRequest, { cert }: SendSettings) {
    const cookie = headers.get('Cookie') ?? ''
    this.asked.push({ url, authorization: headers.has('Authorization'), cookie, cert: cert !== undefined })
    const location = this.#locations.shift()
    const rawHeaders = location === undefined ? [] : ['Location', location, 'Set-Cookie', `of=${url.hostname}`]
    return {
      statusCode: location === undefined ? 200 : 307,
      reason: '',
      rawHeaders,
      body: Readable.from([]),
      tls: null,
    }
  }

  close(): void {}
}

const journeys = target(
  'redirects',
  fc.tuple(fc.constantFrom(...BASES), fc.array(urls, { maxLength: 6 })),
  async ([base, texts]) => {
    const adapter = new Redirecting(texts.map((text) => Buffer.from(text).toString('latin1')))
    await using session = new Session({ trustEnv: false, maxRedirects: 4, cookies: { own: '1' } })
    for (const prefix of ['http://', 'https://']) session.mount(prefix, adapter)
    await session.get(base, { auth: ['ada', 'secret'], cert: '/nowhere.pem' }).catch(assertExpected)
    assert(adapter.asked.length <= 5)
    const home = new URL(base)
    let [mayKeep, mayKnow] = [true, true]
    for (const [index, { url, authorization, cookie, cert }] of adapter.asked.entries()) {
      const before = adapter.asked[index - 1]?.url ?? home
      // What once stayed behind does not come back.
      mayKeep &&= isAtHome(before, url)
      mayKnow &&= before.origin === url.origin
      assert.deepEqual([authorization, cert], [mayKeep, mayKnow])
      assert.equal(cookie.includes('own=1'), isAtHome(home, url), `cookies of the session for ${url}`)
      const foreign = cookie.split('; ').filter((each) => each.startsWith('of=') && each !== `of=${url.hostname}`)
      assert.deepEqual(foreign, [], `cookies of other hosts for ${url}`)
    }
  },
)

export const URLS: readonly Target[] = [preparing, proxies, noProxy, steps, journeys]
