/** URLs of servers of other protocols: the host and port they name, and what of them is never shown. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverAddress } from '../../src/core/address.ts'
import { InvalidURL } from '../../src/core/errors.ts'
import { parseService, SERVICE_SCHEMES } from '../../src/core/service.ts'

/** The ports of IANA's registry of service names. */
const PORTS: Readonly<Record<string, number | undefined>> = {
  postgres: 5432,
  postgresql: 5432,
  mysql: 3306,
  smtp: 25,
  imap: 143,
  pop3: 110,
  ldap: 389,
  smtps: 465,
  imaps: 993,
  pop3s: 995,
  ldaps: 636,
  rediss: 6379,
  amqps: 5671,
  mqtts: 8883,
  tls: undefined,
}

test('each scheme has the default port of its service; tls: has none and needs one', () => {
  assert.deepEqual(Object.keys(PORTS), SERVICE_SCHEMES)
  for (const [scheme, port] of Object.entries(PORTS)) {
    if (port === undefined) {
      assert.throws(() => parseService(`${scheme}://db.example`), /it has no port\. Write tls:\/\/HOST:PORT/)
      assert.throws(() => parseService(`${scheme}://db.example:`), /it has no port/)
    } else {
      assert.equal(parseService(`${scheme}://db.example`)?.origin, `${scheme}://db.example:${port}`)
      assert.equal(parseService(`${scheme}://db.example:/x`)?.origin, `${scheme}://db.example:${port}`)
    }
    for (const other of [80, 443, 7]) {
      const service = parseService(`${scheme}://db.example:${other}`)
      assert.equal(service?.origin, `${scheme}://db.example:${other}`)
      assert.equal(serverAddress(service.target).port, other)
    }
  }
})

test('hosts are normalized as those of https: URLs', () => {
  const hosts: [written: string, host: string, servername: string][] = [
    ['DB.Example', 'db.example', 'db.example'],
    ['db.example.', 'db.example.', 'db.example'],
    ['bücher.example', 'xn--bcher-kva.example', 'xn--bcher-kva.example'],
    ['127.1', '127.0.0.1', ''],
    ['0x7f000001', '127.0.0.1', ''],
    ['[::1]', '::1', ''],
    ['[0:0:0:0:0:0:0:1]', '::1', ''],
  ]
  for (const [written, host, servername] of hosts) {
    const { target } = parseService(`postgres://${written}:5432/`) ?? assert.fail()
    assert.deepEqual(serverAddress(target), { host, port: 5432, servername })
  }
  assert.equal(parseService('POSTGRES://[::1]')?.origin, 'postgres://[::1]:5432')
  assert.equal(parseService(new URL('imap://mail.example'))?.origin, 'imap://mail.example:143')
})

test('user, password, path and query are not kept', () => {
  const urls = [
    'postgres://ada:s3cret@db.example/s3cret?password=s3cret#s3cret',
    'postgres://s3cret@db.example',
    'postgres://:s3cret@db.example/',
    'postgres://ada:s3c@ret:s3cret@db.example/',
    'postgres://ada:a\\s3cret@db.example/',
    'postgres://ada:%73%33@db.example?user=s3cret',
  ]
  for (const url of urls) {
    for (const given of [url, new URL(url)]) {
      const service = parseService(given) ?? assert.fail(url)
      assert.equal(service.origin, 'postgres://db.example:5432')
      assert.doesNotMatch(JSON.stringify(service), /s3cret|ada/)
    }
  }
})

test('a URL that could be read in two ways is refused, and the error shows nothing of it', () => {
  const urls = [
    // An unencoded character ends the host early: "ada" would be looked up, "12" be the port.
    'postgres://ada:12/s3cret@db.example/x',
    'postgres://ada:12#s3cret@db.example/x',
    'postgres://ada:12?s3cret@db.example/x',
    'postgres://ada:s3cret@12/s3cret@db.example/x',
    'postgres://ada:s3/cret@db.example/x',
    'postgres://ada:s3 cret@db.example/x',
    'postgres://ada:s3cret@db\n.example/x',
    'postgres://ada:s3cret@db\t.example/x',
    'postgres://ada:s3cret@db.example\u0000/x',
    'postgres://ada:s3cret@db.example:99999/s3cret',
    'postgres://ada:s3cret@db.example:s3cret/x',
    'postgres://ada:s3cret@one.example:1,two.example:2/x',
    'postgres://ada:s3cret@db%2fs3cret.example/x',
    'postgres://ada:s3cret@db%40s3cret.example/x',
    'postgres://ada:s3cret@[::1%25eth0]/x',
    'postgres://ada:s3cret@/s3cret',
    'postgres:///s3cret',
    'postgres:s3cret',
    'postgres:/ada:s3cret@db.example',
    'postgres:\\\\ada:s3cret@db.example',
  ]
  for (const url of urls) {
    assert.throws(
      () => parseService(url),
      (error: unknown) => {
        assert(error instanceof InvalidURL, url)
        assert.doesNotMatch(error.message, /s3|cret|ada|\n/, url)
        return true
      },
      url,
    )
  }
})

test('other schemes, and what is no URL, are for others', () => {
  for (const other of [
    'https://a.example',
    'http://a.example',
    'a.example:443',
    'redis://a',
    'smtp',
    '',
    '//a.example',
  ])
    assert.equal(parseService(other), undefined)
})
