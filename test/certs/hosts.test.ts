import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseHosts } from '../../src/certs/hosts.ts'

const accepted: [host: string, type: 'dns' | 'ip', value: string][] = [
  ['localhost', 'dns', 'localhost'],
  ['Example.COM', 'dns', 'example.com'],
  ['example.com.', 'dns', 'example.com'],
  ['bücher.example', 'dns', 'xn--bcher-kva.example'],
  ['faß.example', 'dns', 'xn--fa-hia.example'],
  ['例え.テスト', 'dns', 'xn--r8jz45g.xn--zckzah'],
  ['xn--bcher-kva.example', 'dns', 'xn--bcher-kva.example'],
  ['*.example.com', 'dns', '*.example.com'],
  ['*.Bücher.example.', 'dns', '*.xn--bcher-kva.example'],
  ['my_service', 'dns', 'my_service'],
  ['a-b.c--d.example', 'dns', 'a-b.c--d.example'],
  ['1.2.3.example', 'dns', '1.2.3.example'],
  ['3com.example', 'dns', '3com.example'],
  [`${'a'.repeat(63)}.example`, 'dns', `${'a'.repeat(63)}.example`],
  ['127.0.0.1', 'ip', '127.0.0.1'],
  ['::1', 'ip', '::1'],
  ['[::1]', 'ip', '::1'],
  ['2001:DB8:0:0:0:0:0:1', 'ip', '2001:db8::1'],
  ['[2001:0db8::0001]', 'ip', '2001:db8::1'],
  ['::ffff:192.0.2.1', 'ip', '::ffff:c000:201'],
  ['::', 'ip', '::'],
]

for (const [host, type, value] of accepted) {
  test(`the host '${host.slice(0, 40)}' becomes the ${type} name ${value.slice(0, 40)}`, () => {
    assert.deepEqual(parseHosts(host), [{ type, value }])
  })
}

const refused: [host: unknown, message: RegExp][] = [
  ['', /a host is empty/],
  ['  ', /a host is empty/],
  [[], /no hosts given/],
  [[''], /a host is empty/],
  [undefined, /must be a string, .*not undefined/],
  [null, /must be a string, .*not null/],
  [[42], /must be a string, .*not number/],
  [{ host: 'localhost' }, /must be a string, .*not object/],
  ['https://example.com', /give the host alone: 'example.com', not 'https:\/\/example.com'/],
  ['https://example.com:8443/', /give the host alone: 'example.com', not 'https:\/\/example.com:8443\/'/],
  ['wss://example.com:8443/', /give the host alone: 'example.com'/],
  ['example.com:8443', /give the host alone: 'example.com', not 'example.com:8443'/],
  ['example.com/path', /give the host alone: 'example.com'/],
  ['127.0.0.1:443', /give the host alone: '127.0.0.1'/],
  ['[::1]:8443', /give the host alone: '::1', not '\[::1\]:8443'/],
  ['user@example.com', /give the host alone: 'example.com'/],
  ['10.0.0.0/8', /give the host alone: '10.0.0.0'/],
  [':8443', /give the host alone: 'example.com'/],
  ['::1::', /not a host: '::1::'/],
  ['[127.0.0.1]', /not a host/],
  ['fe80::1%eth0', /has no zones: give 'fe80::1'/],
  ['[fe80::1%eth0]', /has no zones: give 'fe80::1'/],
  [' localhost', /not a host: ' localhost'/],
  ['local host', /not a host: 'local host'/],
  ['localhost\n', /not a host/],
  ['local\0host', /not a host/],
  ['a,b', /not a host/],
  ['ex%41mple.com', /not a host/],
  ['a..b', /not a host/],
  ['.example.com', /not a host/],
  ['.', /not a host/],
  ['-a.example', /not a host/],
  ['a-.example', /not a host/],
  ['a!b', /not a host/],
  [`${'a'.repeat(64)}.example`, /1 to 63/],
  [`${'a.'.repeat(127)}aa`, /longer than 253/],
  ['\ud800.example', /not a host/],
  ['127.1', /IPv4 address/],
  ['256.256.256.256', /IPv4 address/],
  ['1.2.3.4.', /IPv4 address/],
  ['0x7f000001', /IPv4 address/],
  ['2130706433', /IPv4 address/],
  ['127.0.0.0x1', /IPv4 address/],
  ['１２７.1', /IPv4 address/],
  ['*', /wildcard/],
  ['*.', /not a host/],
  ['*.com', /two more labels/],
  ['*.localhost', /two more labels/],
  ['*a.example.com', /leftmost label/],
  ['a.*.example.com', /leftmost label/],
  ['*.*.example.com', /leftmost label/],
  ['*.127.0.0.1', /IPv4 address/],
]

for (const [host, message] of refused) {
  test(`the host ${JSON.stringify(host)?.slice(0, 40)} is refused with the fix`, () => {
    assert.throws(() => parseHosts(host as string), { name: 'TypeError', message })
  })
}

test('a list keeps its order and drops what is the same host twice', () => {
  const names = parseHosts([
    'Localhost',
    '::1',
    'localhost.',
    '[0:0:0:0:0:0:0:1]',
    'bücher.example',
    'xn--bcher-kva.example',
  ])
  assert.deepEqual(
    names.map(({ value }) => value),
    ['localhost', '::1', 'xn--bcher-kva.example'],
  )
})
