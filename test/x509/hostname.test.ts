import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PeerCertificate } from 'node:tls'
import { checkServerIdentity, HostnameMismatchError } from '../../src/x509/hostname.ts'
import { selfSigned, toDer } from '../helpers/pki.ts'

/** Names of the certificate, then the hosts that it is for and those that it is not for. */
const table: [names: string[], matches: string[], others: string[], commonName?: string][] = [
  [
    ['localhost'],
    ['localhost', 'LOCALHOST', 'localhost.'],
    ['', '.', '.localhost', 'localhost.localdomain', 'ocalhost', 'a.localhost', '127.0.0.1'],
  ],
  [['LocalHost'], ['localhost'], []],
  [['localhost.'], [], ['localhost', 'localhost.']],
  [[], [], ['localhost'], 'localhost'],
  [['other.test'], [], ['localhost'], 'localhost'],
  [
    ['127.0.0.1'],
    ['127.0.0.1'],
    ['localhost', 'leaf', '127.0.0.2', '127.1', '2130706433', '0x7f.1', '::ffff:127.0.0.1'],
    'leaf',
  ],
  [['::1'], ['::1', '0:0:0:0:0:0:0:1'], ['::2', 'localhost', '127.0.0.1']],
  [['::ffff:127.0.0.1'], ['::ffff:127.0.0.1'], ['127.0.0.1']],
  [
    ['*.lab.test'],
    ['foo.lab.test', 'FOO.lab.test', 'xn--x.lab.test', 'foo.lab.test.'],
    ['lab.test', 'a.b.lab.test', '.lab.test', 'foo_bar.lab.test', 'foo.lab.test.evil'],
  ],
  [['f*.lab.test', '*o.lab.test', 'f*o.lab.test'], [], ['foo.lab.test', 'f.lab.test', 'o.lab.test']],
  [['*.test', '*', '*.'], [], ['foo.test', 'test', 'foo']],
  [['a.*.test', '*.*.lab.test'], [], ['a.b.test', 'a.b.lab.test']],
  [['*.127.0.0.1'], [], ['127.0.0.1']],
  [
    ['one.test', 'two.test', '10.0.0.1'],
    ['one.test', 'two.test', '10.0.0.1'],
    ['three.test', '.test', '.one.test', '10.0.0.2'],
  ],
  [['xn--mnchen-3ya.test'], ['xn--mnchen-3ya.test'], ['munchen.test']],
]

const peer = (pem: string) => ({ raw: toDer(pem) }) as PeerCertificate

for (const [hosts, matches, others, commonName] of table) {
  const label = `${hosts.join(', ') || 'no name'}${commonName ? ` (common name ${commonName})` : ''}`
  test(`a certificate for ${label} is for the hosts of the table and no others`, () => {
    const certificate = peer(selfSigned({ hosts, commonName: commonName ?? 'leaf' }).certificate)
    for (const host of matches) assert.equal(checkServerIdentity(host, certificate), undefined, host)
    for (const host of others) assert(checkServerIdentity(host, certificate) instanceof HostnameMismatchError, host)
  })
}

test('an address written as a DNS name is none', () => {
  const { certificate } = selfSigned({ hosts: ['127.0.0.10'] })
  // The iPAddress entry (tag 0x87, four octets) becomes a dNSName (0x82) of four letters; then one that spells an address.
  const der = toDer(certificate)
  const at = der.indexOf(Buffer.from([0x87, 4, 127, 0, 0, 10]))
  assert(at > 0)
  Buffer.from([0x82, 4, ...Buffer.from('::12')]).copy(der, at)
  assert(checkServerIdentity('::12', { raw: der } as PeerCertificate) instanceof HostnameMismatchError)
})

test('the error says what was asked for, in the words of requests, with the code of Node', () => {
  const certificate = peer(selfSigned({ hosts: ['other.test'] }).certificate)
  const texts = {
    'localhost.': "Hostname mismatch, certificate is not valid for 'localhost'.",
    '127.0.0.1': "IP address mismatch, certificate is not valid for '127.0.0.1'.",
    '::1': "IP address mismatch, certificate is not valid for '::1'.",
  }
  for (const [host, message] of Object.entries(texts)) {
    const error = checkServerIdentity(host, certificate) as HostnameMismatchError
    const { name, code } = error
    assert.deepEqual(
      { name, code, message: error.message },
      { name: 'HostnameMismatchError', code: 'ERR_TLS_CERT_ALTNAME_INVALID', message },
    )
    assert.equal(error.host, host.replace(/\.$/, ''))
  }
})

test('an IPv6 address is checked without its zone', () => {
  const certificate = peer(selfSigned({ hosts: ['fe80::1'] }).certificate)
  assert.doesNotThrow(() => checkServerIdentity('fe80::1%lo', certificate))
  assert.equal(checkServerIdentity('fe80::1%lo', certificate), undefined)
  assert(checkServerIdentity('fe80::2%lo', certificate) instanceof HostnameMismatchError)
  assert(checkServerIdentity('fe80::2%fe80::1', certificate) instanceof HostnameMismatchError)
})

test('no host and no peer makes the check throw: what cannot be checked is a mismatch', () => {
  const right = peer(selfSigned({ hosts: ['localhost', '127.0.0.1', '::1'] }).certificate)
  const hosts = ['localhost\0', '\0', 'localhost\0.evil.test', '::1%', '%lo', '127.0.0.1%lo', 'x'.repeat(100_000), 'é']
  const others = [undefined, null, 0, 1n, {}, [], Symbol('host'), () => 'localhost', { toString: () => 'localhost' }]
  for (const host of [...hosts, ...others]) {
    assert.doesNotThrow(() => checkServerIdentity(host as string, right))
    assert(checkServerIdentity(host as string, right) instanceof HostnameMismatchError, typeof host)
  }
  const peers = [undefined, null, {}, { raw: undefined }, { raw: Buffer.from('no certificate') }, { raw: 1 }]
  for (const each of peers) {
    assert.doesNotThrow(() => checkServerIdentity('localhost', each as PeerCertificate))
    assert(checkServerIdentity('localhost', each as PeerCertificate) instanceof HostnameMismatchError, typeof each)
  }
})

test('a host of control characters, or without end, is escaped and cut in the error', () => {
  const certificate = peer(selfSigned().certificate)
  const error = checkServerIdentity(`a\n\x1b[31m${'b'.repeat(9000)}`, certificate) as HostnameMismatchError
  for (const text of [error.message, error.host]) {
    assert.match(text, /a\\u\{a\}\\u\{1b\}\[31mb/)
    assert(text.length < 500)
  }
})
