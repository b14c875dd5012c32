/** `verify: true` trusts what Node's default roots are: with NODE_EXTRA_CA_CERTS, and as the program sets them. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import tls from 'node:tls'
import { CABundle, Session, SSLError } from '../../src/index.ts'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority()
const { chain, key } = authority.issue()

test('NODE_EXTRA_CA_CERTS is part of the default roots, and of no bundle', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  using dir = tempDir()
  const script = `
    import { CABundle, get } from '${moduleUrl('index')}'
    for (const verify of [undefined, true, CABundle.default(), CABundle.bundled()]) {
      await get('${server.url}', { verify }).then((response) => console.log(response.statusCode), (error) => console.log(error.name))
    }`
  const env = { NODE_EXTRA_CA_CERTS: dir.write('extra.pem', authority.certificate) }
  const stdout = await outputOfScript(script, { env })
  assert.deepEqual(stdout.trim().split('\n'), ['200', '200', '200', 'SSLError'])
})

test('default roots that are set while the program runs count at the next request, and no longer than they are set', async () => {
  await using server = await startHttpsServer({ cert: chain, key })
  await using session = new Session()
  const added = new Session({ verify: CABundle.default().with(createAuthority().certificate) })
  const before = tls.getCACertificates('default')
  for (let round = 0; round < 2; round++) {
    for (const each of [session, added]) await assert.rejects(each.get(server.url), SSLError)
    tls.setDefaultCACertificates([...before, authority.certificate])
    try {
      for (const each of [session, added]) assert((await each.get(server.url)).ok)
    } finally {
      tls.setDefaultCACertificates(before)
    }
  }
  await added.close()
})
