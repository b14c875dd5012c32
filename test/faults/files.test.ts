/** Files of trust and identity that become what no file should be, while they are in use. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { chmodSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { after, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { CABundleError, ClientCertError, type RequestOptions, Session } from '../../src/index.ts'
import { createAuthority, rehash } from '../helpers/pki.ts'
import { onPosix } from '../helpers/platform.ts'
import { makeFifo } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'
import { assertNothingLeft, countSurvived, withinBound } from './survive.ts'

const ca = createAuthority()
const { chain: cert, key } = ca.issue({ hosts: ['localhost'] })
const client = ca.issue({ hosts: ['client.test'], extendedKeyUsage: ['clientAuth'] })
const server = await startHttpsServer({
  cert,
  key,
  ca: ca.certificate,
  requestCert: true,
  handler: (_request, response) => void response.end('ok'),
})
after(() => server.close())

/** A file that requests need: what it holds, and the option that names it. */
interface Role {
  readonly name: string
  readonly content: string
  readonly options: (dir: TempDir) => Pick<RequestOptions, 'verify' | 'cert'>
  readonly error: typeof CABundleError | typeof ClientCertError
}

const identity = (dir: TempDir): Pick<RequestOptions, 'cert'> => ({
  cert: [dir.join('client.crt'), dir.join('client.key')],
})
const BUNDLE = { content: ca.certificate, error: CABundleError }
const CLIENT = { options: identity, error: ClientCertError }

const ROLES = {
  'a bundle': { ...BUNDLE, name: 'ca.pem', options: (dir) => ({ verify: dir.join('ca.pem') }) },
  'a file in a directory': { ...BUNDLE, name: 'plain/ca.pem', options: (dir) => ({ verify: dir.join('plain') }) },
  'a file in a hashed directory': {
    ...BUNDLE,
    name: 'hashed/ca.pem',
    options: (dir) => {
      rehash(dir.join('hashed'))
      return { verify: dir.join('hashed') }
    },
  },
  'a client certificate': { ...CLIENT, name: 'client.crt', content: client.chain },
  'a client key': { ...CLIENT, name: 'client.key', content: client.key },
} as const satisfies Record<string, Role>

type RoleName = keyof typeof ROLES

/** The code of an error, and what it says. */
type Told = readonly [code: string | undefined, message: RegExp]

const NOT_FOUND: Told = ['ENOENT', /invalid path: /]
const NO_FILE: Told = [undefined, /it is not a regular file$/]
const NO_CERTIFICATE: Told = [undefined, /no certificate in it: /]
const NO_KEY: Told = [undefined, /there is no private key in it/]
/** A hashed directory may have links that lead nowhere; other certificates may be in it. */
const NONE_HASHED = { 'a file in a hashed directory': [undefined, /no usable certificate in the directory/] } as const

interface Fault {
  readonly make: (path: string) => unknown
  readonly told: Told
  /** For the roles that report it in other words. */
  readonly except?: Partial<Record<RoleName, Told>>
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'is gone': {
    make: () => {},
    told: NOT_FOUND,
    except: { 'a file in a directory': [undefined, /no certificates in the directory/], ...NONE_HASHED },
  },
  'is a directory': {
    make: (path) => mkdirSync(path),
    told: NO_FILE,
    except: { 'a bundle': [undefined, /no certificates in the directory/] },
  },
  'is a FIFO': { make: makeFifo, told: NO_FILE },
  'is a socket': {
    make: async (path) => {
      const listener = createServer().listen(path)
      await once(listener, 'listening')
      sockets.push(() => listener.close())
    },
    told: NO_FILE,
  },
  'is a device': { make: (path) => symlinkSync('/dev/zero', path), told: NO_FILE },
  'is 1 GiB': {
    make: (path) => {
      writeFileSync(path, '')
      truncateSync(path, 2 ** 30)
    },
    told: [undefined, /it is larger than 32 MB/],
  },
  'may not be read': {
    make: (path) => {
      writeFileSync(path, ca.certificate, { mode: 0 })
      // The superuser may read everything; nobody (65534) may not.
      if (isRoot) process.seteuid?.(65_534)
    },
    told: ['EACCES', /cannot read .*: EACCES/],
  },
  'is a link to itself': {
    make: (path) => symlinkSync(path, path),
    told: ['ELOOP', /cannot read .*: ELOOP/],
    except: NONE_HASHED,
  },
  'is a link to nowhere': {
    make: (path) => symlinkSync('nowhere', path),
    told: NOT_FOUND,
    except: NONE_HASHED,
  },
  'is empty': {
    make: (path) => writeFileSync(path, ''),
    told: NO_CERTIFICATE,
    except: { 'a client key': NO_KEY },
  },
  'is neither PEM nor DER': {
    make: (path) => writeFileSync(path, Buffer.alloc(4096, 7)),
    told: NO_CERTIFICATE,
    except: { 'a client key': NO_KEY },
  },
  'is cut short': {
    make: (path) => writeFileSync(path, ca.certificate.slice(0, 200)),
    told: [undefined, /has no END line/],
    except: { 'a client key': NO_KEY },
  },
}

const isRoot = process.geteuid?.() === 0
const sockets: (() => void)[] = []

for (const [roleName, role] of Object.entries<Role>(ROLES)) {
  describe(roleName, onPosix, () => {
    for (const [what, { make, told, except = {} }] of Object.entries(FAULTS)) {
      const expected = except[roleName as RoleName] ?? told
      test(`that ${what} is a ${role.error.name}, and forgotten when it is mended`, () => meet(role, make, expected))
    }
  })
}

async function meet(role: Role, make: Fault['make'], told: Told): Promise<void> {
  using dir = tempDir()
  chmodSync(dir.path, 0o755)
  for (const { name, content } of Object.values<Role>(ROLES)) dir.write(name, content)
  await using session = new Session()
  const options = { verify: dir.join('ca.pem'), ...identity(dir), ...role.options(dir) }
  const ask = async () => (await withinBound('a request', session.get(server.url, options))).text
  assert.equal(await ask(), 'ok')
  const path = dir.join(role.name)
  rmSync(path)
  await make(path)
  try {
    const before = server.requests
    await assert.rejects(ask(), (error) => isAsExpected(error, role, told, dir))
    assert.equal(server.requests, before, 'a connection that was made before is of no use')
  } finally {
    if (isRoot) process.seteuid?.(0)
    for (const close of sockets.splice(0)) close()
    rmSync(path, { recursive: true, force: true })
  }
  dir.write(role.name, role.content)
  assert.equal(await ask(), 'ok', 'the next request, when the file is mended')
  countSurvived()
}

function isAsExpected(error: unknown, role: Role, [code, message]: Told, dir: TempDir): true {
  assert(error instanceof role.error, inspect(error))
  const ownCode = role.error === CABundleError ? 'ERR_CA_BUNDLE' : 'ERR_CLIENT_CERT'
  assert.equal(error.code, code ?? ownCode, inspect(error))
  assert.match(error.summary, message)
  // Names the file, or the directory that holds none.
  assert(error.path?.startsWith(dir.path) && error.message.includes(error.path))
  return true
}

test('they leave nothing behind', async (t) => {
  await server.close()
  await assertNothingLeft(t)
})
