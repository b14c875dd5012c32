/** Hints that name a file, a store or a variable: given only if the server is accepted by following them, and then it is. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { moduleUrl } from '../helpers/modules.ts'
import { CA_EXTENSIONS, certify } from '../helpers/openssl-pki.ts'
import { toPkcs7 } from '../helpers/pki.ts'
import { isLinux } from '../helpers/platform.ts'
import { outputOfScript } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const root = certify({ subject: '/CN=Team CA', extensions: CA_EXTENSIONS })
const other = certify({ subject: '/CN=Other CA', extensions: CA_EXTENSIONS })
const oldRoot = certify({ subject: '/CN=Team CA', key: root.key, extensions: CA_EXTENSIONS, from: -90, to: -30 })
const middle = certify({ subject: '/CN=Middle', issuer: root, extensions: CA_EXTENSIONS })
const server = certify({ issuer: root })
const below = certify({ issuer: middle })
const expired = certify({ issuer: root, to: -3 })

interface Setup {
  readonly what: string
  readonly only?: boolean
  readonly flags?: readonly string[] | undefined
  readonly env?: (dir: TempDir) => NodeJS.ProcessEnv
  /** Set after Node has started. */
  readonly late?: (dir: TempDir) => NodeJS.ProcessEnv
  /** The options of the request, as JavaScript. */
  readonly options?: (dir: TempDir) => string
  readonly sent?: typeof server
  readonly says?: readonly RegExp[]
  readonly never?: RegExp
}

const right = (dir: TempDir) => dir.write('right.pem', root.certificate)
const wrong = (dir: TempDir) => dir.write('wrong.pem', other.certificate)
const byFile = (dir: TempDir) => `{ verify: ${JSON.stringify(wrong(dir))} }`
const FLAGS = /--use-(?:openssl|system)-ca/
const NAMES = /NODE_EXTRA_CA_CERTS|SSL_CERT_FILE/

const SETUPS: readonly Setup[] = [
  {
    what: 'another bundle in force, and NODE_EXTRA_CA_CERTS would trust the server',
    env: (dir) => ({ NODE_EXTRA_CA_CERTS: right(dir) }),
    options: byFile,
    says: [
      /NODE_EXTRA_CA_CERTS \(.*right\.pem\) has .* the default roots, which are replaced here: name the file, verify: /,
    ],
    never: /REQUESTS_CA_BUNDLE|before Node starts|did not take/,
  },
  {
    what: 'another bundle in force, and SSL_CERT_FILE would trust the server',
    env: (dir) => ({ SSL_CERT_FILE: right(dir), SSL_CERT_DIR: dir.path }),
    options: byFile,
    says: [/SSL_CERT_FILE \(.*right\.pem\) has .* replaced here: name the file, verify: /],
    never: FLAGS,
  },
  {
    what: "another bundle from the environment, and the system's store would trust the server",
    flags: isLinux ? ['--use-system-ca'] : [],
    only: isLinux,
    env: (dir) => ({ SSL_CERT_FILE: right(dir), SSL_CERT_DIR: dir.path, REQUESTS_CA_BUNDLE: wrong(dir) }),
    says: [
      /operating system's store would trust this server: verify: CABundle\.default\(\)\.with\(CABundle\.system\(\)\)/,
      /REQUESTS_CA_BUNDLE is in force, and overrides session\.verify: pass verify with the call, or add the certificate to .*wrong\.pem/,
    ],
    never: FLAGS,
  },
  {
    what: 'the default roots, and SSL_CERT_FILE would trust the server',
    env: (dir) => ({ SSL_CERT_FILE: right(dir) }),
    says: [/Node reads it with --use-openssl-ca or --use-system-ca only: name the file/, /REQUESTS_CA_BUNDLE=FILE/],
  },
  {
    what: "OpenSSL's store, and a file of PKCS#7 in SSL_CERT_FILE",
    flags: ['--use-openssl-ca'],
    env: (dir) => ({ SSL_CERT_FILE: dir.write('right.p7b', toPkcs7(root.certificate)) }),
    says: [
      /OpenSSL reads certificates in PEM only: name the file, verify: '/,
      /OpenSSL's default roots/,
      /CABundle\.default\(\) cannot list/,
    ],
    never: /--use-openssl-ca or|CABundle\.default\(\)\.with\('\//,
  },
  {
    what: "OpenSSL's store and NODE_EXTRA_CA_CERTS",
    flags: ['--use-openssl-ca'],
    env: (dir) => ({ NODE_EXTRA_CA_CERTS: wrong(dir) }),
    says: [/trusted +OpenSSL's default roots/],
    never: /Node's default roots/,
  },
  {
    what: "a server that has expired, of a CA in OpenSSL's store",
    flags: ['--use-openssl-ca'],
    env: (dir) => ({ SSL_CERT_FILE: right(dir) }),
    sent: expired,
    says: [/expired 3 days ago/],
    never: /not trusted|is trusted/,
  },
  {
    what: 'a variable set too late',
    late: (dir) => ({ NODE_EXTRA_CA_CERTS: right(dir) }),
    says: [/NODE_EXTRA_CA_CERTS .* after Node had started: name the file/],
  },
  {
    what: 'a file whose CA has expired',
    late: (dir) => ({ NODE_EXTRA_CA_CERTS: dir.write('old.pem', oldRoot.certificate) }),
    never: NAMES,
  },
  {
    what: 'an intermediate CA in NODE_EXTRA_CA_CERTS',
    env: (dir) => ({ NODE_EXTRA_CA_CERTS: dir.write('middle.pem', middle.certificate) }),
    sent: below,
    says: [/NODE_EXTRA_CA_CERTS .* no certificate of it that is not self-signed: name the file/],
  },
  {
    what: 'a session without the environment',
    options: () => '{ trustEnv: false }',
    never: /REQUESTS_CA_BUNDLE/,
  },
  {
    what: 'the default roots of the call',
    options: () => '{ verify: CABundle.default() }',
    never: /REQUESTS_CA_BUNDLE/,
  },
]

for (const { what, only = true, flags = [], env, late, options, sent = server, says = [], never } of SETUPS) {
  test(`${what}: the hints are true, and lead out`, {
    skip: !only && 'elsewhere the store cannot be named',
  }, async () => {
    await using running = await startHttpsServer({ key: sent.key, cert: sent.certificate })
    using dir = tempDir()
    const script = `import { CABundle, Session, SSLError } from ${JSON.stringify(moduleUrl('index'))}
      Object.assign(process.env, ${JSON.stringify(late?.(dir) ?? {})})
      const { trustEnv, ...options } = ${options?.(dir) ?? '{}'}
      const session = new Session({ trustEnv })
      const url = ${JSON.stringify(running.url)}
      const error = await session.get(url, options).then(() => assert.fail('trusted'), (reason) => reason)
      const results = []
      for (const [, way] of error.hints.join('\\n').matchAll(/verify: (CABundle\\.\\S+\\)|'\\/[^']+')/g)) {
        const verify = new Function('CABundle', 'return ' + way)(CABundle)
        results.push([way, await session.get(url, { verify }).then(({ statusCode }) => statusCode, (reason) => reason.message)])
      }
      console.log(JSON.stringify([error.message, results.filter(([way]) => !way.includes("'ca.pem'"))]))`
    const [message, results] = JSON.parse(await outputOfScript(script, { flags, env: env?.(dir) ?? {} }))
    for (const words of says) assert.match(message, words)
    if (never) assert.doesNotMatch(message, never)
    for (const [way, result] of results) assert.equal(result, 200, way)
  })
}
