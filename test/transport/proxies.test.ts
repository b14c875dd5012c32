/** Which proxy a request goes through, by requests' tables (`select_proxy`, NO_PROXY, the environment). */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Session } from '../../src/index.ts'
import {
  bypassesProxy,
  checkProxies,
  type ProxiesInit,
  type ProxyRules,
  proxyFor,
} from '../../src/transport/proxies.ts'

const RULES: ProxyRules = { call: undefined, session: undefined, env: undefined, envOverSession: true }

function chosen(url: string, rules: Partial<ProxyRules>): string | undefined {
  return proxyFor(new URL(url), { ...RULES, ...rules })?.url.hostname
}

const SELECTION: [what: string, url: string, proxies: ProxiesInit, expected: string | undefined][] = [
  ['by scheme', 'https://a.test/', { https: 'http://p', http: 'http://q' }, 'p'],
  ['for all schemes', 'http://a.test/', { all: 'http://p' }, 'p'],
  ['by scheme before all', 'https://a.test/', { all: 'http://q', https: 'http://p' }, 'p'],
  ['by host before scheme', 'https://a.test/', { https: 'http://q', 'https://a.test': 'http://p' }, 'p'],
  ['by host of all schemes before all', 'http://a.test/', { all: 'http://q', 'all://a.test': 'http://p' }, 'p'],
  ['by scheme before the host of all', 'http://a.test/', { http: 'http://p', 'all://a.test': 'http://q' }, 'p'],
  ['not for another host', 'https://b.test/', { 'https://a.test': 'http://p' }, undefined],
  ['not for another scheme', 'https://a.test/', { http: 'http://p' }, undefined],
  ['whatever the port', 'https://a.test:8443/', { 'https://a.test': 'http://p' }, 'p'],
  ['whatever the case of the URL', 'HTTPS://A.Test/', { 'https://a.test': 'http://p' }, 'p'],
  ['an empty one is none', 'https://a.test/', { https: '', all: 'http://q' }, undefined],
  ['null takes a key away', 'https://a.test/', { https: null, all: 'http://q' }, 'q'],
  ['without its scheme', 'https://a.test/', { https: 'p:3128' }, 'p'],
  ['as a URL', 'https://a.test/', { https: new URL('https://p:3128') } as ProxiesInit, 'p'],
]

for (const [what, url, call, expected] of SELECTION) {
  test(`a proxy is chosen ${what}`, () => assert.equal(chosen(url, { call }), expected))
}

const MERGING: [what: string, rules: Partial<ProxyRules>, expected: string | undefined][] = [
  ['the environment counts', { env: { https_proxy: 'http://e' } }, 'e'],
  ['in capitals as well', { env: { HTTPS_PROXY: 'http://e' } }, 'e'],
  ['lower case wins', { env: { https_proxy: 'http://e', HTTPS_PROXY: 'http://E2' } }, 'e'],
  ['an empty one in lower case takes the other away', { env: { https_proxy: '', HTTPS_PROXY: 'http://e' } }, undefined],
  ['ALL_PROXY counts last', { env: { ALL_PROXY: 'http://a', https_proxy: 'http://e' } }, 'e'],
  ['ALL_PROXY counts', { env: { all_proxy: 'http://a' } }, 'a'],
  ['the environment overrides the session', { env: { https_proxy: 'http://e' }, session: { https: 'http://s' } }, 'e'],
  [
    'but under it in send',
    { env: { https_proxy: 'http://e' }, session: { https: 'http://s' }, envOverSession: false },
    's',
  ],
  ['over all of the session', { env: { https_proxy: 'http://e' }, session: { all: 'http://s' } }, 'e'],
  [
    'its ALL_PROXY under a scheme of the session',
    { env: { ALL_PROXY: 'http://e' }, session: { https: 'http://s', all: 'http://t' } },
    's',
  ],
  ['its ALL_PROXY over that of the session', { env: { ALL_PROXY: 'http://e' }, session: { all: 'http://s' } }, 'e'],
  [
    'in send its ALL_PROXY as well, which is then for the scheme',
    { env: { ALL_PROXY: 'http://e' }, session: { all: 'http://s' }, envOverSession: false },
    'e',
  ],
  [
    'in send not over a scheme of the session',
    { env: { ALL_PROXY: 'http://e' }, session: { https: 'http://s' }, envOverSession: false },
    's',
  ],
  ['under a host of the session', { env: { https_proxy: 'http://e' }, session: { 'https://a.test': 'http://s' } }, 's'],
  ['the call overrides both', { env: { https_proxy: 'http://e' }, call: { https: 'http://c' } }, 'c'],
  ['null in the call means direct', { env: { https_proxy: 'http://e' }, call: { https: null } }, undefined],
  ['NO_PROXY keeps the environment out', { env: { https_proxy: 'http://e', NO_PROXY: 'a.test' } }, undefined],
  ['but not the session', { env: { NO_PROXY: 'a.test' }, session: { https: 'http://s' } }, 's'],
  ['nor the call', { env: { NO_PROXY: 'a.test' }, call: { https: 'http://c' } }, 'c'],
  ['no_proxy counts', { env: { https_proxy: 'http://e', no_proxy: 'a.test' } }, undefined],
  [
    'an empty no_proxy leaves it to NO_PROXY',
    { env: { https_proxy: 'http://e', no_proxy: '', NO_PROXY: 'a.test' } },
    undefined,
  ],
  [
    'no_proxy of the session stands in for NO_PROXY',
    { env: { https_proxy: 'http://e' }, session: { no_proxy: 'a.test' }, envOverSession: false },
    undefined,
  ],
  ['no_proxy in lower case wins', { env: { https_proxy: 'http://e', no_proxy: 'b.test', NO_PROXY: 'a.test' } }, 'e'],
  [
    'no_proxy of the call stands in for NO_PROXY',
    { env: { https_proxy: 'http://e', NO_PROXY: 'a.test' }, call: { no_proxy: 'b.test' } },
    'e',
  ],
]

for (const [what, rules, expected] of MERGING) {
  test(`of call, session and environment: ${what}`, () => assert.equal(chosen('https://a.test/', rules), expected))
}

test('in send, proxies of the call are all that counts: {} and null mean none', () => {
  const rules = { env: { ALL_PROXY: 'http://e' }, session: { all: 'http://s' }, envOverSession: false }
  for (const call of [{}, null, { http: 'http://c' }, { https: '' }]) {
    assert.equal(chosen('https://a.test/', { ...rules, call }), undefined)
  }
  assert.equal(chosen('https://a.test/', { ...rules, call: { https: 'http://c' } }), 'c')
  assert.equal(chosen('https://a.test/', { ...rules, env: undefined }), 's')
})

test('HTTP_PROXY is not believed in a CGI script, http_proxy is', () => {
  const env = { REQUEST_METHOD: 'GET', HTTP_PROXY: 'http://evil' }
  assert.equal(chosen('http://a.test/', { env }), undefined)
  assert.equal(chosen('http://a.test/', { env: { ...env, http_proxy: 'http://good' } }), 'good')
})

const NO_PROXY: [entry: string, matches: readonly string[], others: readonly string[]][] = [
  ['example.com', ['http://example.com', 'http://www.example.com:81', 'http://EXAMPLE.com'], ['http://badexample.com']],
  ['.example.com', ['http://example.com', 'http://a.b.example.com'], ['http://badexample.com', 'http://example.com.']],
  ['EXAMPLE.com', ['http://example.com', 'http://www.example.com'], ['http://example.org']],
  ['*.example.com', [], ['http://example.com', 'http://www.example.com']],
  ['*', ['http://example.com', 'http://127.0.0.1', 'http://[::1]'], []],
  ['a,*', ['http://a', 'http://example.com'], []],
  [
    'example.com:81',
    ['http://example.com:81', 'http://www.example.com:81'],
    ['http://example.com', 'http://example.com:8'],
  ],
  ['192.168.0.0/24', ['http://192.168.0.7', 'http://192.168.0.7:81'], ['http://192.168.1.7', 'http://host.test']],
  ['192.168.0.7/32', ['http://192.168.0.7'], ['http://192.168.0.8']],
  ['192.168.0.0/33', [], ['http://192.168.0.0']],
  ['192.168.0.0/0', [], ['http://192.168.0.7']],
  ['192.168.1.1', ['http://192.168.1.1', 'http://192.168.1.1:81'], ['http://192.168.1.11', 'http://92.168.1.1']],
  ['192.168.1.1:81', [], ['http://192.168.1.1:81']],
  ['192.168.1', [], ['http://192.168.1.1']],
  ['::1', ['http://[::1]', 'http://[::1]:81'], ['http://[::2]']],
  ['fe80::/10', ['http://[fe80::1]'], ['http://[::1]']],
  ['[::1]', ['http://[::1]'], ['http://[::2]']],
  [' a.test , b.test ', ['http://a.test', 'http://b.test'], ['http://c.test']],
  ['', [], ['http://example.com']],
  ['.', [], ['http://example.com']],
]

for (const [entry, matches, others] of NO_PROXY) {
  test(`NO_PROXY=${JSON.stringify(entry)} names what it should, and nothing else`, () => {
    for (const url of matches) assert(bypassesProxy(new URL(url), entry), url)
    for (const url of others) assert(!bypassesProxy(new URL(url), entry), url)
  })
}

const BAD: [proxy: string, name: string, message: RegExp][] = [
  ['http://', 'InvalidProxyURL', /malformed/],
  ['https://', 'InvalidProxyURL', /malformed/],
  ['http://:8080', 'InvalidProxyURL', /malformed/],
  ['http:///example.com:8080', 'InvalidProxyURL', /malformed/],
  ['http:/badproxyurl:3128', 'InvalidProxyURL', /malformed/],
  ['http://user:secret@:8080', 'InvalidProxyURL', /^(?!.*secret)/],
  ['ftp://proxy:21', 'InvalidProxyURL', /unsupported scheme ftp/],
  ['socks9://user:secret@proxy:1080', 'InvalidProxyURL', /SOCKS version(?!.*secret)/],
  ['socks://proxy', 'InvalidProxyURL', /write socks5h:/],
  ['socks5:proxy', 'InvalidProxyURL', /could be missing the host/],
  ['socks5:///', 'InvalidProxyURL', /could be missing the host/],
  ['socks5h://?', 'InvalidProxyURL', /could be missing the host/],
  ['socks5h:// ', 'InvalidProxyURL', /could be missing the host/],
  ['socks5h://#x', 'InvalidProxyURL', /could be missing the host/],
  [`socks5://u:${'x'.repeat(256)}@proxy`, 'InvalidProxyURL', /255 bytes/],
]

for (const [proxy, name, message] of BAD) {
  test(`the proxy ${proxy.slice(0, 50)} is an ${name} that shows no password`, () => {
    assert.throws(() => chosen('https://a.test/', { call: { https: proxy } }), { name, message })
  })
}

test('proxies of another shape are a TypeError that names the key', () => {
  for (const proxies of [5, 'http://p', ['http://p'], true] as unknown as ProxiesInit[]) {
    assert.throws(() => checkProxies(proxies), { name: 'TypeError', message: /^proxies must be/ })
    assert.throws(() => new Session({ proxies }), { name: 'TypeError', message: /^proxies must be/ })
  }
  const proxies = { https: 3128 } as unknown as ProxiesInit
  assert.throws(() => checkProxies(proxies), { name: 'TypeError', message: /^proxies\.https/ })
})

test('a key of proxies that no request would ask for is refused', () => {
  for (const key of ['htps', 'noProxy', 'HTTPS', 'example.com', 'http//a']) {
    assert.throws(() => new Session({ proxies: { [key]: 'http://p' } }), {
      name: 'TypeError',
      message: new RegExp(`^proxies has no key "${key}": there are http, https, all, no_proxy`),
    })
  }
  for (const host of [
    '',
    'a.test:8443',
    'a.test/',
    '*',
    '*.a.test',
    'A.test',
    '::1',
    '[::1]:443',
    'ada:secret@a.test',
  ]) {
    const told = { name: 'TypeError', message: /^proxies has no key "https:\/\/(?!ada)/ }
    assert.throws(() => new Session({ proxies: { [`https://${host}`]: 'http://p' } }), told)
  }
  for (const key of ['http', 'https', 'all', 'no_proxy', 'https://a.test', 'all://a.test', 'ftp', 'all://[::1]']) {
    assert(checkProxies({ [key]: 'http://p' }))
  }
})

test('the credentials of a SOCKS proxy are decoded, and may be empty', () => {
  for (const [url, login] of [
    ['socks5h://ada:s%3Acret@p', ['ada', 's:cret']],
    ['socks4://ada@p', ['ada', '']],
    ['socks5://p:1081', undefined],
  ] as const) {
    const proxy = proxyFor(new URL('https://a.test/'), { ...RULES, call: { all: url } })
    assert.deepEqual([proxy?.login, proxy?.authorization, proxy?.url.username], [login, undefined, ''])
  }
})

test('the credentials of a proxy are decoded, and are no longer in its URL', () => {
  const proxy = proxyFor(new URL('https://a.test/'), { ...RULES, call: { https: 'http://ada:s%3Acret@p:3128' } })
  assert.equal(proxy?.url.href, 'http://p:3128/')
  assert.equal(proxy?.authorization, `Basic ${Buffer.from('ada:s:cret').toString('base64')}`)
})

const BEYOND_REQUESTS: readonly (readonly [noProxy: string, url: string, isBypassed: boolean])[] = [
  ['[::1]', 'http://[::1]/', true],
  ['[::1]:8080', 'http://[::1]:8080/', true],
  ['[::1]:8080', 'http://[::1]/', false],
  ['0:0::1', 'http://[::1]/', true],
  ['fd00::/8', 'http://[fd12:3456::1]/', true],
  ['fd00::/8', 'http://[fe80::1]/', false],
  ['[fd00::]/8', 'http://[fd12:3456::1]/', true],
  ['[fd00::/8]', 'http://[fd12:3456::1]:81/', true],
  ['FD00::/8', 'http://[fd12::1]/', true],
  ['::/0', 'http://[fd12::1]/', false],
  ['::1', 'http://[::ffff:7f00:1]/', false],
  ['fd00::/200', 'http://[fd12::1]/', false],
  ['::ffff:0:0/96', 'http://127.0.0.1/', false],
  ['a.test, *', 'http://b.test/', true],
  ['*.test', 'http://b.test/', false],
  ['bücher.test', 'http://xn--bcher-kva.test/', true],
  ['xn--bcher-kva.test', 'http://bücher.test/', true],
  ['bücher.test:8080', 'http://xn--bcher-kva.test:8080/', true],
  ['bücher.test:8080', 'http://xn--bcher-kva.test/', false],
  ['xn--bcher-kva.test:8080', 'http://bücher.test:8080/', true],
  ['bücher。test', 'http://bücher.test/', true],
  ['straße.test', 'http://xn--strae-oqa.test/', true],
  [',,*,', 'http://b.test/', true],
  ['.BÜCHER.test', 'http://www.bücher.test/', true],
]

for (const [noProxy, url, isBypassed] of BEYOND_REQUESTS) {
  test(`NO_PROXY=${noProxy} ${isBypassed ? 'bypasses' : 'does not bypass'} the proxy for ${url}`, () => {
    assert.equal(bypassesProxy(new URL(url), noProxy), isBypassed)
  })
}
