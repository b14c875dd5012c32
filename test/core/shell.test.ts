/** Hints hold no text of a server that a shell would run, and no command that replaces a file. */
import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { plainAuthority, shellPath } from '../../src/core/shell.ts'
import { diagnose } from '../../src/diagnose/diagnosis.ts'
import { reasonFor } from '../../src/diagnose/reasons.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { runSync } from '../helpers/processes.ts'

const SOURCES = fileURLToPath(new URL('../../src/', import.meta.url))

test('only plain host names and addresses stand in a command', () => {
  const plain = [
    'localhost',
    'localhost:8443',
    'a-b.example_1.test:1',
    '10.0.0.7:8443',
    '[::1]:8443',
    '[fe80::1]',
    'xn--bcher-kva.example',
  ]
  for (const authority of plain) assert.equal(plainAuthority(authority), authority)
  const others = [
    '$(id).evil.test:8443',
    '`id`.test',
    "a'b.test",
    'a;b',
    'a&b',
    'a|b',
    '-o.test',
    '*.example.com',
    'a b',
    'a\nb',
    '',
    '!x',
    '~x',
    'a{b}',
    '[x]:1',
    'ü.test',
    'a'.repeat(254),
    'a.test:8443;id',
  ]
  for (const authority of others) assert.equal(plainAuthority(authority), undefined, authority)
})

test('a path stands in a command as one word, whatever its characters', () => {
  for (const path of [
    '/etc/ssl/ca.pem',
    "it's $(id).pem",
    '`id`',
    'a b',
    '-rf',
    'a;b&c|d',
    '"',
    '\\',
    '!1',
    '~',
    '*',
    'ä',
  ]) {
    const word = shellPath(path) ?? assert.fail(path)
    const given = runSync('/bin/sh', ['-c', `printf %s ${word}`]).stdout
    assert.equal(given.replace(/^\.\/(?=-)/, ''), path)
  }
  for (const path of ['a\nb', '\u001b[31m', 'https://user:hunter2@host/x', '\u202ea'])
    assert.equal(shellPath(path), undefined)
})

const STRANGE = ['$(id).evil.test', '`id`.evil.test', 'a;id.evil.test', "a'b.evil.test", 'a&id.evil.test']

test('hints about a server repeat its name only if it is plain, and name no option that replaces files', () => {
  const stranger = createAuthority({ commonName: 'Private CA' })
  const failures = [
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'CERT_HAS_EXPIRED',
  ]
  for (const host of [...STRANGE, 'server.test']) {
    const { certificate } = selfSigned({ hosts: [host, `www.${host}`, `other.${host}`], commonName: host })
    for (const code of failures) {
      for (const trusted of [[], [stranger.certificate], [certificate]]) {
        const row = reasonFor(Object.assign(new Error('x'), { code })) ?? assert.fail(code)
        const { hints } = diagnose(row, {
          host: `other.${host}`,
          port: 8443,
          chain: [new X509Certificate(certificate)],
          trusted: () => trusted.map((pem) => new X509Certificate(pem)),
          now: Date.now(),
        })
        for (const hint of hints) {
          assert.doesNotMatch(hint, /--overwrite|npx vouch/)
          if (host !== 'server.test') assert(!hint.includes(host), hint)
        }
        if (host === 'server.test' && code === 'DEPTH_ZERO_SELF_SIGNED_CERT' && trusted.length === 0) {
          assert.match(hints.join(), /npx --no vouch cert fetch other\.server\.test:8443/)
        }
      }
    }
  }
})

test('no text of the library has a command that installs a package or replaces a file unasked', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  assert(files.length > 100)
  for (const file of files) {
    const text = readFileSync(join(SOURCES, file), 'utf8')
    assert.doesNotMatch(text, /npx (?!--no )/, file)
    if (!file.startsWith('cli/')) assert.doesNotMatch(text, /--overwrite/, file)
  }
})
