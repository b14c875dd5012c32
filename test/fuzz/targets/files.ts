/** Files of credentials: netrc, and client certificates with their keys. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { NetrcError, parseNetrc } from '../../../src/auth/netrc.ts'
import { type ClientCert, ClientCertError } from '../../../src/index.ts'
import { toClientCertSource } from '../../../src/trust/client-cert.ts'
import { resolveClientCert } from '../../../src/trust/client-identity.ts'
import { secureContextFor } from '../../../src/trust/secure-context.ts'
import { resolveTrust } from '../../../src/trust/verify.ts'
import { createAuthority, encryptKey, toDer, toPkcs12 } from '../../helpers/pki.ts'
import { damaged, textOf } from '../arbitraries.ts'
import { type Target, target } from '../harness.ts'

const WORDS = [
  ...['machine ', 'default ', 'login ', 'user ', 'password ', 'account ', 'macdef ', 'a.test ', 'ada ', 'secret '],
  ...['"', '\\', '#', '\n', '\n\n', '\r\n', '\t', '"a b" ', '\0', 'é'],
]

const netrc = target('netrc files', textOf(WORDS), (text) => {
  try {
    for (const [name, credentials] of parseNetrc(text)) {
      assert.equal(name, name.toLowerCase())
      assert.equal(credentials.length, 2)
    }
  } catch (error) {
    assert(error instanceof NetrcError)
    // No word of the file: any may be a password.
    assert.match(error.message, /^line [0-9]+: expected [a-z, ]+$/)
  }
})

const authority = createAuthority()
const { chain, key } = authority.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
const other = authority.issue({ commonName: 'bob', hosts: [] })
const files: readonly Buffer[] = [
  ...[chain, key, chain + key, chain + other.chain + key, other.key, encryptKey(key, 'secret')].map(
    (text): Buffer => Buffer.from(text),
  ),
  ...[encryptKey(key, 'secret', 'traditional'), ''].map((text): Buffer => Buffer.from(text)),
  ...[toDer(chain), toDer(key), toPkcs12({ certificate: chain, chain, key }, 'secret')],
]
const PIECES = [
  '-----BEGIN PRIVATE KEY-----\n',
  '\n-----END PRIVATE KEY-----\n',
  'Proc-Type: 4,ENCRYPTED\n',
  '\n\n',
  '=',
]
const content = damaged(
  files,
  PIECES.map((text): Buffer => Buffer.from(text)),
)
const passphrase = fc.constantFrom(undefined, 'secret', '')
const certificates: fc.Arbitrary<ClientCert> = fc.oneof(
  fc.record({ cert: content, key: fc.option(content, { nil: undefined }), passphrase }),
  fc.record({ pfx: content, passphrase }).map(({ passphrase, ...rest }) => ({
    ...rest,
    ...(passphrase === undefined ? {} : { passphrase }),
  })),
)
const trust = resolveTrust({ kind: 'insecure', source: 'call' })

const clients = target('client certificates', certificates, (cert) => {
  try {
    secureContextFor(trust, resolveClientCert(toClientCertSource(cert)))
  } catch (error) {
    assert(error instanceof ClientCertError, error instanceof Error ? error.stack : String(error))
    assert.doesNotMatch(error.message, /secret/)
  }
})

export const FILES: readonly Target[] = [netrc, clients]
