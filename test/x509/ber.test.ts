/** PKCS#7 and PKCS#12 in BER, as NSS (Firefox), BouncyCastle and `openssl cms -stream` write them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { get } from '../../src/index.ts'
import { derOfBer } from '../../src/x509/ber.ts'
import { readCertificates } from '../../src/x509/certificate.ts'
import { readElements } from '../../src/x509/der.ts'
import { readPkcs12 } from '../../src/x509/pkcs12.ts'
import { opensslBytes } from '../helpers/openssl.ts'
import { createAuthority, selfSigned, toDer, toPkcs7, toPkcs12 } from '../helpers/pki.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const root = createAuthority({ commonName: 'Acme Root CA' })
const issued = root.issue()
const END = Buffer.alloc(2)

/** DER with indefinite lengths, and octets in two pieces; the `keep` elements stay as they are. */
function toBer(der: Buffer, keep: readonly Buffer[] = []): Buffer {
  return Buffer.concat(
    readElements(der).map(({ tag, content, bytes }) => {
      if (keep.some((each) => each.equals(bytes))) return bytes
      if (tag === 0x04 && content.length > 1) return octetsInPieces(0x24, content)
      // [0] IMPLICIT OCTET STRING of EncryptedContentInfo.
      if (tag === 0x80) return octetsInPieces(0xa0, content)
      return tag & 0x20 ? Buffer.concat([Buffer.from([tag, 0x80]), toBer(content, keep), END]) : bytes
    }),
  )
}

function octetsInPieces(tag: number, content: Buffer): Buffer {
  const half = content.length >> 1
  const pieces = [content.subarray(0, half), content.subarray(half)].map((piece) => {
    const length = Buffer.alloc(2)
    length.writeUInt16BE(piece.length)
    return Buffer.concat([Buffer.from([0x04, 0x82]), length, piece])
  })
  return Buffer.concat([Buffer.from([tag, 0x80]), ...pieces, END])
}

test('PKCS#7 in BER holds the certificates that it holds in DER, byte for byte', async () => {
  const der = toDer(toPkcs7(issued.certificate, root.certificate))
  const certificates = [issued.certificate, root.certificate].map(toDer)
  const ber = toBer(der, certificates)
  assert(!ber.equals(der))
  assert.deepEqual(
    readCertificates(ber).map((anchor) => anchor.certificate.raw),
    readCertificates(der).map((anchor) => anchor.certificate.raw),
  )
  const pem = `-----BEGIN PKCS7-----\n${ber.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END PKCS7-----\n`
  await using server = await startHttpsServer({ key: issued.key, cert: issued.chain })
  using dir = tempDir()
  for (const content of [ber, pem])
    assert.equal((await get(server.url, { verify: dir.write(`${content.length}.p7b`, content) })).statusCode, 200)
})

test('PKCS#7 as openssl cms -stream writes it', () => {
  using dir = tempDir()
  const files = ['-signer', dir.write('own.pem', issued.certificate), '-inkey', dir.write('own.key', issued.key)]
  const streamed = opensslBytes(
    [
      'cms',
      '-sign',
      '-stream',
      '-nodetach',
      '-binary',
      '-outform',
      'DER',
      '-certfile',
      dir.write('ca.pem', root.certificate),
      ...files,
    ],
    'content',
  )
  assert.equal(streamed.subarray(0, 2).toString('hex'), '3080')
  const subjects = readCertificates(streamed).map(({ certificate }) => certificate.subject)
  assert(subjects.includes('CN=Acme Root CA'), String(subjects))
})

test('PKCS#12 in BER holds the certificate and key that it holds in DER', async () => {
  const clients = createAuthority({ commonName: 'Client CA' })
  const ada = clients.issue({ commonName: 'ada', hosts: [], extendedKeyUsage: ['clientAuth'] })
  const der = toPkcs12(ada, 'secret')
  const ber = toBer(der)
  assert.deepEqual(readPkcs12(ber, 'secret'), readPkcs12(der, 'secret'))
  const mutual = { requestCert: true, rejectUnauthorized: true, ca: clients.certificate }
  await using server = await startHttpsServer({ key: issued.key, cert: issued.chain, ...mutual })
  const cert = { pfx: ber, passphrase: 'secret' }
  assert.equal((await get(server.url, { verify: root.certificate, cert })).statusCode, 200)
})

test('the encrypted contents of a PKCS#12 file may be in pieces', () => {
  const der = toPkcs12(selfSigned(), 'secret')
  assert.deepEqual(derOfBer(toBer(der)), der)
})

test('damaged BER is refused', () => {
  const ber = toBer(toDer(toPkcs7(root.certificate)))
  assert.throws(() => readCertificates(ber.subarray(0, ber.length - 20)), /the PKCS#7 data is damaged/)
  assert.throws(() => derOfBer(Buffer.from('3005', 'hex')), RangeError)
})
