/**
 * Certificates of `vouch/certs` in real clients, browsers among them: what is accepted, and what the key of a server can do to
 * those who trust its certificate.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSelfSignedCert, type KeyType, loadCA } from '../../src/certs/index.ts'
import { CLIENTS, isAsked, type RealClient } from '../helpers/real-clients.ts'
import { tempDir } from '../helpers/temp.ts'

/** Whether the client sends its request to a server with this certificate, while it trusts `trusted`. */
const accepts = (client: RealClient, host: string, pair: { cert: string; key: string }, trusted: string) =>
  isAsked(host, pair, (url, arrived) => client.open(url, trusted, arrived))

const KEY_TYPES: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'ed25519']

for (const client of CLIENTS) {
  const skip = client.isInstalled ? false : `not installed: apt-get install ${client.package}`
  const options = { skip, timeout: 240_000 }

  test(
    `${client.name} opens a server with a certificate of each kind of key, by name and by address`,
    options,
    async () => {
      for (const keyType of KEY_TYPES) {
        const pair = await createSelfSignedCert(null, null, ['localhost', '127.0.0.1'], { keyType })
        // Browsers support no Ed25519 (the CA/Browser Forum's rules exclude it).
        const expected = keyType !== 'ed25519' || client.hasEd25519
        assert.equal(await accepts(client, 'localhost', pair, pair.cert), expected, keyType)
        if (keyType === 'ec-p256') assert.equal(await accepts(client, '127.0.0.1', pair, pair.cert), true, 'by address')
      }
    },
  )

  test(`${client.name} and a certificate with ca: true`, options, async () => {
    const pair = await createSelfSignedCert(null, null, ['localhost', '127.0.0.1'], { ca: true })
    // Mozilla's NSS refuses a CA as a server's certificate.
    assert.equal(await accepts(client, 'localhost', pair, pair.cert), !['Firefox', 'NSS'].includes(client.name))
  })

  test(`${client.name} refuses what the key of a trusted server signs for others`, options, async () => {
    using dir = tempDir()
    const [certFile, keyFile] = [join(dir.path, 'cert.pem'), join(dir.path, 'key.pem')]
    for (const [own, other] of FORGERIES) {
      const pair = await createSelfSignedCert(certFile, keyFile, own, { ca: true, overwrite: true })
      const forged = await (await loadCA(certFile, keyFile)).issue(other)
      assert.equal(await accepts(client, other, forged, pair.cert), false, `${own} for ${other}`)
    }
    const forged = await (await loadCA(certFile, keyFile)).issue('localhost')
    const { cert } = await createSelfSignedCert(certFile, keyFile, 'localhost', { overwrite: true })
    await assert.rejects(loadCA(certFile, keyFile), /may not issue/)
    assert.equal(await accepts(client, 'localhost', forged, cert), false, 'of another key')
  })
}

/** Whose certificate is trusted, and for whom its key signs. */
const FORGERIES = [
  ['127.0.0.1', 'localhost'],
  ['localhost', '127.0.0.1'],
  ['127.0.0.1', '127.0.0.2'],
  ['box.test', 'localhost'],
  ['::1', '127.0.0.1'],
] as const
