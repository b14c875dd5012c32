/** A process that may open no file and no connection any more. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moduleUrl } from '../helpers/modules.ts'
import { createAuthority } from '../helpers/pki.ts'
import { onPosix } from '../helpers/platform.ts'
import { outputOf } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { tempDir } from '../helpers/temp.ts'
import { assertNothingLeft, countSurvived } from './survive.ts'

test(
  'without a free descriptor each request says what could not be opened, and connections that are there serve',
  onPosix,
  async () => {
    using dir = tempDir()
    const ca = createAuthority()
    const client = ca.issue({ hosts: ['client.test'], extendedKeyUsage: ['clientAuth'] })
    const bundle = dir.write('ca.pem', ca.certificate)
    const other = dir.write('other.pem', ca.certificate)
    const identity = dir.write('client.pem', client.chain + client.key)
    const { chain: cert, key } = ca.issue({ hosts: ['127.0.0.1'] })
    await using server = await startHttpsServer({ cert, key, handler: (_request, response) => void response.end('ok') })
    const script = `
    import { closeSync, openSync } from 'node:fs'
    const { Session } = await import('${moduleUrl('index')}')
    const { bundle, other, identity, url, host } = ${JSON.stringify({ bundle, other, identity, url: server.url127, host: `127.0.0.1:${server.port}` })}
    const kept = new Session({ verify: bundle })
    const fresh = new Session({ verify: bundle })
    const tell = (what, answer) =>
      answer.then(({ text }) => text, ({ name, code, message }) => [name, code, message]).then((told) => {
        console.log(JSON.stringify([what, told]))
      })
    await kept.get(url)
    const taken = []
    try {
      for (;;) taken.push(openSync('/dev/null'))
    } catch {}
    await tell('a connection that is there', kept.get(url))
    await tell('a connection', fresh.get(url))
    await tell('a bundle', kept.get(url, { verify: other }))
    await tell('a client certificate', kept.get(url, { cert: identity }))
    await tell('a proxy', kept.get(url, { proxies: { https: 'http://' + host } }))
    await tell('a SOCKS proxy', kept.get(url, { proxies: { https: 'socks5h://' + host } }))
    for (const descriptor of taken) closeSync(descriptor)
    await tell('a connection, afterwards', fresh.get(url))
    await tell('files, afterwards', kept.get(url, { verify: other, cert: identity }))
    await kept.close()
    await fresh.close()
  `
    const limited = ['-c', 'ulimit -n 64; exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', script]
    const stdout = await outputOf('/bin/sh', limited)
    const told = stdout.trim().split('\n')
    const host = `127.0.0.1:${server.port}`
    const proxyError = ['ProxyError', 'EMFILE', `Unable to connect to proxy ${host}: too many open files`]
    const unread = (path: string) => `${path}: EMFILE: too many open files, open`
    assert.deepEqual(
      told.map((line) => JSON.parse(line)),
      [
        ['a connection that is there', 'ok'],
        [
          'a connection',
          ['ConnectionError', 'EMFILE', `Failed to establish a new connection to ${host}: too many open files`],
        ],
        [
          'a bundle',
          [
            'CABundleError',
            'EMFILE',
            `cannot read the CA bundle ${unread(other)}\n  hint       it must be a file or directory that the user of this process can read: PEM, DER or PKCS#7`,
          ],
        ],
        [
          'a client certificate',
          [
            'ClientCertError',
            'EMFILE',
            `cannot read the TLS certificate file ${unread(identity)}\n  hint       the user that runs this process must be able to read the file`,
          ],
        ],
        ['a proxy', proxyError],
        ['a SOCKS proxy', proxyError],
        ['a connection, afterwards', 'ok'],
        ['files, afterwards', 'ok'],
      ],
    )
    countSurvived(5)
  },
)

test('it leaves nothing behind', assertNothingLeft)
