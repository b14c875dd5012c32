/** I3 and I4: a bundle is used whole or not at all, and a change of it takes effect at the next request. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import type { TLSSocket } from 'node:tls'
import { CABundle, CABundleError, get, Session, SSLError } from '../../src/index.ts'
import { createAuthority, selfSigned } from '../helpers/pki.ts'
import { type Handler, startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'

const authority = createAuthority({ commonName: 'The CA' })
const others = Array.from({ length: 8 }, (_, index) => createAuthority({ commonName: `Other CA ${index}` }).certificate)

function start(handler?: Handler) {
  const { chain, key } = authority.issue()
  return startHttpsServer({ cert: chain, key, handler })
}

test('sixty rewrites of a bundle under twenty clients lose no request, however the file is written', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  await using session = new Session()
  let rewriting = true
  let requests = 0
  const client = async (index: number) => {
    while (rewriting) {
      const response = await (index % 2 === 0
        ? session.get(server.url, { verify: path })
        : get(server.url, { verify: path }))
      assert.equal(response.statusCode, 200)
      requests++
    }
  }
  const clients = Array.from({ length: 20 }, (_, index) => client(index))
  for (let round = 0; round < 60; round++) {
    const content = [...others.slice(round % 8), authority.certificate, others[round % 8]].join('')
    if (round % 3 === 0) writeFileSync(path, content)
    // In two steps, with the file empty in between.
    else if (round % 3 === 1) await writeFile(path, content)
    else renameSync(dir.write('next.pem', content), path)
    await delay(10)
  }
  rewriting = false
  await Promise.all(clients)
  assert(requests >= 60, `${requests} requests`)
})

test('trust that is taken out of the file is refused at the very next request', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  const bundle = CABundle.from(path)
  await using session = new Session({ verify: path })
  for (let round = 0; round < 20; round++) {
    writeFileSync(path, authority.certificate)
    for (const verify of [undefined, path, bundle]) assert((await session.get(server.url, { verify })).ok)
    // Of the same length, at once: only the content differs.
    const stranger = selfSigned().certificate
    writeFileSync(path, stranger.padEnd(authority.certificate.length, '\n'))
    for (const verify of [undefined, path, bundle]) await assert.rejects(session.get(server.url, { verify }), SSLError)
    await assert.rejects(get(server.url, { verify: path }), SSLError)
  }
})

test('a swapped ..data link, as Kubernetes mounts its secrets, takes effect at the next request', async () => {
  await using server = await start()
  using dir = tempDir()
  const stranger = selfSigned().certificate
  const mount = (version: string, certificate: string) => {
    mkdirSync(dir.join(version))
    writeFileSync(dir.join(version, 'ca.crt'), certificate)
    symlinkSync(version, dir.join('..data_tmp'))
    renameSync(dir.join('..data_tmp'), dir.join('..data'))
  }
  mount('..1', authority.certificate)
  symlinkSync('..data/ca.crt', dir.join('ca.crt'))
  for (const verify of [dir.join('ca.crt'), dir.path]) {
    await using session = new Session({ verify })
    assert((await session.get(server.url)).ok)
    mount(`..2${verify.length}`, stranger)
    await assert.rejects(session.get(server.url), SSLError)
    mount(`..3${verify.length}`, authority.certificate)
    assert((await session.get(server.url)).ok)
  }
})

test('a file that is added to or removed from a directory counts at the next request', async () => {
  await using server = await start()
  using dir = tempDir()
  dir.write('other.pem', others[0] ?? '')
  await using session = new Session({ verify: dir.path })
  for (let round = 0; round < 5; round++) {
    await assert.rejects(session.get(server.url), SSLError)
    dir.write('ca.pem', authority.certificate)
    assert((await session.get(server.url)).ok)
    rmSync(dir.join('ca.pem'))
  }
})

test('a bundle that is deleted or damaged is an error at the next request, even with a live connection', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  await using session = new Session({ verify: path })
  assert((await session.get(server.url)).ok)
  rmSync(path)
  await assert.rejects(session.get(server.url), { name: 'CABundleError', code: 'ENOENT', path })
  writeFileSync(path, authority.certificate + authority.certificate.replace('-----END CERTIFICATE-----', ''))
  const line = authority.certificate.split('\n').length
  await assert.rejects(session.get(server.url), { name: 'CABundleError', path, line })
  writeFileSync(path, '')
  await assert.rejects(session.get(server.url), CABundleError)
  writeFileSync(path, authority.certificate)
  assert((await session.get(server.url)).ok)
})

test('requests in flight finish when the bundle changes, then their connection is closed', async () => {
  const finish = Promise.withResolvers<void>()
  const arrived = Promise.withResolvers<void>()
  let slow: TLSSocket | undefined
  await using server = await start(async (request, response) => {
    if (request.url === '/slow') {
      slow = request.socket as TLSSocket
      response.write('begun ')
      arrived.resolve()
      await finish.promise
    }
    response.end('done')
  })
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  await using session = new Session({ verify: path })
  const inFlight = session.get(`${server.url}/slow`)
  await arrived.promise
  writeFileSync(path, authority.certificate + others[0])
  assert.equal((await session.get(server.url)).text, 'done')
  const closed = new Promise((resolve) => slow?.once('close', resolve))
  finish.resolve()
  assert.equal((await inFlight).text, 'begun done')
  await closed
  // The one connection that is left is of the new trust.
  await session.get(server.url)
  assert.equal(server.connections, 2)
})

test('a renewed client certificate is presented at the next request', async () => {
  const clients = createAuthority({ commonName: 'Client CA' })
  const { chain, key } = authority.issue()
  await using server = await startHttpsServer({
    cert: chain,
    key,
    ca: clients.certificate,
    requestCert: true,
    handler: (request, response) => response.end((request.socket as TLSSocket).getPeerCertificate().subject.CN),
  })
  using dir = tempDir()
  const write = (commonName: string) => {
    const pair = clients.issue({ commonName, hosts: [], extendedKeyUsage: ['clientAuth'] })
    dir.write('client.crt', pair.chain)
    dir.write('client.key', pair.key)
  }
  await using session = new Session({
    verify: authority.certificate,
    cert: [dir.join('client.crt'), dir.join('client.key')],
  })
  for (const name of ['one', 'two', 'three']) {
    write(name)
    assert.equal((await session.get(server.url)).text, name)
    assert.equal((await session.get(server.url)).text, name)
  }
  assert.equal(server.connections, 3)
})

test('a file that is touched or rewritten with the same content keeps its connections', async () => {
  await using server = await start()
  using dir = tempDir()
  const path = dir.write('bundle.pem', authority.certificate)
  await using session = new Session({ verify: path })
  for (let round = 0; round < 5; round++) {
    assert((await session.get(server.url)).ok)
    writeFileSync(path, authority.certificate)
  }
  assert.equal(server.connections, 1)
})
