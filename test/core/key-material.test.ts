/** What was given as a path, a name or a label, and may be a key, is named for what it is and shown nowhere. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { displayName, displayValue, redactUrl } from '../../src/core/credentials.ts'
import { keyMaterialIn } from '../../src/core/key-material.ts'
import { DAMAGED, KEYS } from '../helpers/damaged-keys.ts'

for (const [kind, key] of KEYS) {
  for (const [form, damage] of DAMAGED) {
    test(`${kind}, ${form}: is recognised, and no part of it is shown`, () => {
      const text = damage(key.pem, key.der)
      assert(keyMaterialIn(text) !== undefined, 'not recognised')
      for (const shown of [displayName(text), displayValue(text), redactUrl(text), displayName(`${text}:x@y`)]) {
        assert(!key.isIn(shown), shown)
        assert(shown.length < 200, shown)
      }
    })
  }
}

test('a key is named for what it is', () => {
  const [, { pem, der }] = KEYS[0] ?? assert.fail()
  const cases: [text: string, what: RegExp, fix: RegExp][] = [
    [Buffer.from(pem).toString('base64'), /^PEM in base64$/, /Buffer\.from\(value, 'base64'\)/],
    [Buffer.from(Buffer.from(pem).toString('base64')).toString('base64'), /^PEM in base64 in base64$/, /base64/],
    [der.toString('base64'), /^DER in base64$/, /Buffer\.from\(value, 'base64'\)/],
    [der.toString('hex'), /^DER in hexadecimal digits$/, /Buffer\.from\(value, 'hex'\)/],
    [pem.replaceAll('\n', ' '), /blanks for line feeds/, /have become blanks/],
    [pem.replaceAll('\n', '\\n'), /\\n for line feeds/, /replaceAll/],
    [JSON.stringify(pem), /JSON string/, /JSON\.parse\(value\)/],
    [der.toString('latin1'), /bytes that were read as text/, /Buffer/],
  ]
  for (const [text, what, fix] of cases) {
    const found = keyMaterialIn(text) ?? assert.fail(String(what))
    assert.match(found.what, what)
    assert.match(found.fix ?? '', fix)
  }
})

test('paths and names are shown as they are', () => {
  const paths = [
    '/etc/ssl/certs/QuoVadis_Root_CA_2_G3.pem',
    '/nix/store/8r8kcnpqq1h3w2z0v4vfzn0z9ahbvl5f-nss-cacert-3.98/etc/ssl/certs/ca-bundle.crt',
    '/var/lib/docker/overlay2/3f5e0a4d8f0e6a1f7b2c9d4e5f60718293a4b5c6d7e8f9012a3b4c5d6e7f8091/merged/ca.pem',
    '/usr/share/cmake-3.25/Modules/CMakeParseImplicitLinkInfo.cmake',
    'C:\\Users\\Ada Lovelace\\AppData\\Local\\Programs\\Company\\Certificates\\CompanyRootCA2024.pem',
    '/home/runner/work/MyProject2/MyProject2/Certificates/CompanyRootCA',
    'node_modules/.pnpm/@company+trust-store@1.2.3_abcdef0123456789/node_modules/@company/trust-store/ca.pem',
    '550e8400-e29b-41d4-a716-446655440000.pem',
    `/${'deep/'.repeat(50)}ca.pem`,
  ]
  for (const path of paths) assert.equal(displayName(path), path)
})

test('what is random is not shown, whatever it is', () => {
  let shown = 0
  for (let i = 0; i < 1000; i++) {
    const text = randomBytes(48).toString('base64')
    if (displayName(text) === text) shown++
  }
  assert(shown < 10, String(shown))
})

test('values of options that are no text are shown by their kind only', () => {
  const secret = 'hunter2'
  const values = [
    Buffer.from(secret),
    new Error(secret),
    [secret],
    { secret },
    Symbol(secret),
    new Map([[secret, secret]]),
    () => secret,
    Object(secret),
  ]
  for (const value of values) assert.doesNotMatch(displayValue(value), /hunter2|68 75 6e/)
  assert.equal(displayValue(7), '7')
  assert.equal(displayValue(null), 'null')
})
