/** Devices and their impostors × every way to name them × TLS versions, proxies and redirects, 24 at a time in sessions that mix it all. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash, X509Certificate } from 'node:crypto'
import { after, before, test } from 'node:test'
import tls, { type SecureVersion } from 'node:tls'
import { Session, SSLError } from '../../src/index.ts'
import { pooled, shuffled } from '../conformance/run.ts'
import { createAuthority, selfSigned, type TestCertificate } from '../helpers/pki.ts'
import { startProxy, type TestProxy } from '../helpers/proxy.ts'
import { startServer } from '../helpers/tcp.ts'

const root = createAuthority({ commonName: 'Matrix Root' })
const middle = root.intermediate({ commonName: 'Matrix CA' })
const box = selfSigned({ hosts: ['unifi.local'] })
const issued = middle.issue({ hosts: ['localhost'] })
const past = { notBefore: new Date(Date.now() - 9e8), notAfter: new Date(Date.now() - 1e8) }

interface Device {
  readonly name: string
  readonly pair: TestCertificate
  readonly sent: string
  /** Whether root and name are right, for those that ask with a bundle. */
  readonly byRoot?: boolean
  readonly byFile?: boolean
  readonly isExpired?: boolean
}

const device = (name: string, pair: TestCertificate, more: Partial<Device> = {}): Device => {
  return { name, pair, sent: pair.certificate, ...more }
}
const DEVICES: readonly Device[] = [
  device('self-signed, for another name', box),
  device('issued, with its chain', issued, { sent: issued.chain, byRoot: true, byFile: true }),
  device('issued, without its chain', middle.issue({ hosts: ['localhost'] }), { byFile: true }),
  device('an impostor of the same name', selfSigned({ hosts: ['unifi.local'] })),
  device('an impostor with the name that is asked for', selfSigned({ hosts: ['localhost'] }), { byFile: true }),
  device('renewed with its key', selfSigned({ hosts: ['unifi.local'], key: box.key, organization: 'Renewed' })),
  device('expired', selfSigned({ hosts: ['localhost'], ...past }), { isExpired: true }),
]

interface Running extends Device {
  readonly port: number
  readonly version: SecureVersion
  /** Everything that was received inside TLS. */
  readonly received: () => string
  readonly close: () => void
}

/** A server that counts every byte: a part of a request at an impostor is one too many. */
async function start(about: Device, version: SecureVersion): Promise<Running> {
  let received = ''
  const options = { key: about.pair.key, cert: about.sent, minVersion: version, maxVersion: version }
  const server = tls.createServer(options, (socket) => {
    let pending = ''
    socket.on('error', () => {})
    socket.setEncoding('latin1').on('data', (text: string) => {
      received += text
      pending += text
      for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
        const [, location] = /^GET \/to\?(\S+)/.exec(pending) ?? []
        pending = pending.slice(end + 4)
        socket.write(
          location === undefined
            ? 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'
            : `HTTP/1.1 302 Found\r\nLocation: ${decodeURIComponent(location)}\r\nContent-Length: 0\r\n\r\n`,
        )
      }
    })
  })
  server.on('tlsClientError', () => {})
  const { port, close } = await startServer(server)
  return { ...about, port, version, received: () => received, close }
}

const pinOf = ({ certificate }: TestCertificate) => `sha256:${new X509Certificate(certificate).fingerprint256}`
const keyPinOf = ({ certificate }: TestCertificate) => {
  const key = new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' })
  return `sha256//${createHash('sha256').update(key).digest('base64')}`
}

/** What names a device, and what is to come of it at another one. */
interface Form {
  readonly name: string
  readonly verify: true | string | string[]
  readonly verdict: (met: Device) => string
}

const isSame = (a: Device, b: Device) => a.pair.certificate === b.pair.certificate
const isSameKey = (a: Device, b: Device) => keyPinOf(a.pair) === keyPinOf(b.pair)
const matched = (met: Device, match: boolean) => (!match ? 'pin-mismatch' : met.isExpired ? 'expired' : 'trusted')

const FORMS: readonly Form[] = [
  ...DEVICES.flatMap((named): Form[] => [
    { name: `pin of ${named.name}`, verify: pinOf(named.pair), verdict: (met) => matched(met, isSame(named, met)) },
    {
      name: `key of ${named.name}`,
      verify: keyPinOf(named.pair),
      verdict: (met) => matched(met, isSameKey(named, met)),
    },
    {
      name: `file of ${named.name}`,
      verify: named.pair.certificate,
      verdict: (met) => (isSame(named, met) && named.byFile ? 'trusted' : 'refused'),
    },
  ]),
  { name: 'root', verify: root.certificate, verdict: (met) => (met.byRoot ? 'trusted' : 'refused') },
  { name: 'true', verify: true, verdict: () => 'refused' },
]

const servers: Running[] = []
let proxy: TestProxy

before(async () => {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    servers.push(...(await Promise.all(DEVICES.map((each) => start(each, version)))))
  proxy = await startProxy()
})
after(async () => {
  for (const server of servers) server.close()
  await proxy[Symbol.asyncDispose]()
})

interface Step {
  readonly id: string
  readonly server: Running
  readonly form: Form
  readonly viaProxy: boolean
  /** The server that redirects there, named by a pin beside the form's own. */
  readonly from: Running | undefined
  readonly session: number
}

function stepsOf(): Step[] {
  return servers.flatMap((server, place) =>
    FORMS.flatMap((form, index) =>
      [false, true].map((viaProxy): Step => {
        const number = place * FORMS.length + index
        const isPin = typeof form.verify === 'string' && form.verify.startsWith('sha256')
        const from = isPin && number % 2 === 0 ? servers[number % 14 === 0 ? 1 : 0] : undefined
        return { id: `step-${number}-${viaProxy}`, server, form, viaProxy, from, session: number % 3 }
      }),
    ),
  )
}

/** With a redirect there is one more pin, which may be the right one for the target. */
function expectedOf({ server, form, from }: Step): string {
  return from && isSame(from, server) ? matched(server, true) : form.verdict(server)
}

async function run({ id, server, form, viaProxy, from }: Step, session: Session): Promise<string> {
  const target = `https://localhost:${server.port}/${id}`
  const url = from ? `https://localhost:${from.port}/to?${encodeURIComponent(target)}` : target
  const verify = from ? [pinOf(from.pair), form.verify as string] : form.verify
  try {
    const response = await session.get(url, { verify, ...(viaProxy && { proxies: { https: proxy.url } }) })
    return response.text === 'hello' ? 'trusted' : response.text
  } catch (error) {
    if (!(error instanceof SSLError)) throw error
    return form.verify === true || form.verify.includes('BEGIN') ? 'refused' : error.reason
  }
}

test('no verdict is wrong, and no byte of a request reaches another server than the one that is meant', async () => {
  const sessions = [new Session(), new Session(), new Session()] as const
  const steps = shuffled(stepsOf())
  assert(steps.length > 600, `${steps.length} steps`)
  const verdicts = await pooled(steps, 24, (step) => run(step, sessions[step.session] as Session))
  for (const session of sessions) session.close()
  const story = ({ server, form, viaProxy, from }: Step, verdict: string | undefined) =>
    `${server.name}, ${server.version} × ${form.name}${viaProxy ? ', proxy' : ''}${from ? ', redirected' : ''}: ${verdict}`
  assert.deepEqual(
    steps.map((step, index) => story(step, verdicts[index])),
    steps.map((step) => story(step, expectedOf(step))),
  )
  for (const server of servers) {
    const received = server.received()
    const asked = [...received.matchAll(/^GET \/(\S+) HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n/gm)]
    const meant = steps.filter((step) => step.server === server && expectedOf(step) === 'trusted').map(({ id }) => id)
    const requests = asked.map(([, path = '']) => path).filter((path) => !path.startsWith('to?'))
    assert.deepEqual(requests.sort(), meant.sort(), server.name)
    assert.equal(
      asked.reduce((sum, [text]) => sum + text.length, 0),
      received.length,
      'nothing but whole requests',
    )
  }
  const expired = servers.filter(({ isExpired }) => isExpired)
  assert.deepEqual(
    expired.map(({ received }) => received()),
    ['', ''],
  )
})
