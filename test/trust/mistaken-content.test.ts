/** Certificates and keys in a form that is not read: each is named for what it is, and what its hint says leads out. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { CABundleError, type ClientCert, ClientCertError, get, type Verify } from '../../src/index.ts'
import { openssl } from '../helpers/openssl.ts'
import { CA_EXTENSIONS, certify, rsa } from '../helpers/openssl-pki.ts'
import { isWindows, onPosix } from '../helpers/platform.ts'
import { runSync } from '../helpers/processes.ts'
import { hasProgram } from '../helpers/programs.ts'
import { startHttpsServer } from '../helpers/servers.ts'
import { type TempDir, tempDir } from '../helpers/temp.ts'

const root = certify({ subject: '/CN=Team CA', extensions: CA_EXTENSIONS })
const server = certify({ issuer: root })
const client = certify({ subject: '/CN=ada', issuer: root, keyType: rsa(2048) })
const pem = root.certificate
const utf16 = (text: string, order: 'le' | 'be') => {
  const bytes = Buffer.from(text, 'utf16le')
  return order === 'le' ? bytes : bytes.swap16()
}
const bodyOf = (text: string) => text.replace(/-----.*-----\n/g, '')

interface Form {
  readonly what: RegExp
  readonly of: (text: string, dir: TempDir) => string | Buffer
  /** What a command of the hint calls. */
  readonly program?: string
  /** Whether a key is found in this form as well. */
  readonly keys?: boolean
}

const FORMS: Record<string, Form> = {
  'UTF-16BE without a mark': { what: /UTF-16BE text/, of: (text) => utf16(text, 'be'), keys: true },
  'UTF-16LE without a mark': { what: /UTF-16LE text/, of: (text) => utf16(text, 'le'), keys: true },
  'UTF-16BE behind a comment': { what: /UTF-16BE text/, of: (text) => utf16(`# ours\n${text}`, 'be') },
  'UTF-16 with a mark': { what: /UTF-16 text/, of: (text) => utf16(`\ufeff${text}`, 'be') },
  'the body of PEM': { what: /base64 without the lines/, of: bodyOf, keys: true },
  'the body of PEM in one line': { what: /base64 without the lines/, of: (text) => bodyOf(text).replaceAll('\n', '') },
  'base64 of PEM': { what: /base64 encoding of PEM/, of: (text) => Buffer.from(text).toString('base64'), keys: true },
  'JSON with PEM': { what: /it is JSON with PEM/, of: (text) => JSON.stringify({ tls: [{ ca: text }] }), keys: true },
  'a JSON string': { what: /it is JSON with PEM/, of: (text) => JSON.stringify(text) },
  'YAML with PEM': { what: /indented/, of: (text) => `ca: |\n${text.replace(/^(?=.)/gm, '  ')}`, keys: true },
  'YAML with base64': {
    what: /base64 of PEM text in it/,
    of: (text) => `kind: Secret\ndata:\n  ca.crt: ${Buffer.from(text).toString('base64')}\n`,
  },
  'an .env file': { what: /written as \\n/, of: (text) => `CA="${text.replaceAll('\n', '\\n')}"\n` },
  'written \\n': { what: /written as \\n/, of: (text) => text.replaceAll('\n', '\\n'), keys: true },
  'double quotes': { what: /quotes around it/, of: (text) => `"${text}"` },
  'single quotes': { what: /quotes around it/, of: (text) => `'${text.trim()}'\n`, keys: true },
  'CR for line feeds': { what: /do not end with a line feed/, of: (text) => text.replaceAll('\n', '\r') },
  tar: { what: /archive \(tar\)/, of: (text, dir) => packed(text, dir, 'tar', ['cf']), program: 'tar' },
  'tar.gz': { what: /compressed \(gzip\)/, of: (text, dir) => packed(text, dir, 'tar', ['czf']), program: 'tar' },
  gzip: { what: /compressed \(gzip\)/, of: (text) => gzipSync(text), program: 'tar' },
  zip: { what: /archive \(zip\)/, of: (text, dir) => zipped(text, dir), program: 'unzip' },
}

for (const [name, { what, of, program, keys }] of Object.entries(FORMS)) {
  const skip = isWindows ? 'there is no shell' : program !== undefined && !hasProgram(program) && `no ${program}`
  test(`a file of ${name} is named, and the command of its hint makes one that is trusted`, { skip }, async () => {
    using dir = tempDir()
    const file = dir.write('given', of(pem, dir))
    const error = await refusalOf(file)
    assert.match(error.message, what)
    assert.equal(await statusWith(dir.join(follow(error, file, dir))), 200)
    if (!keys) return
    const key = dir.write('given.key', of(client.key, dir), 0o600)
    const cert = dir.write('client.pem', client.certificate)
    const refused = await refusalOfKey(cert, key)
    assert.match(refused.message, what)
    const made = follow(refused, key, dir)
    assert.equal(await statusWith(pem, [cert, dir.join(made)]), 200)
  })
}

/** Of these the hint is an expression in `value`. */
const BY_VALUE = Object.entries(FORMS).filter(([name]) => !/tar|zip|env|YAML with base64/.test(name))

for (const [name, { what, of }] of BY_VALUE) {
  test(`a value of ${name} is named, and the expression of its hint is trusted`, async () => {
    using dir = tempDir()
    const value = Buffer.from(of(pem, dir))
    const error = await refusalOf(value)
    assert.match(error.message, what)
    for (const hint of error.hints) assert.doesNotMatch(hint, /\b(?:FILE|NEW)\b/)
    const [, expression = ''] = /(?:use |: )(.*value.*)$/.exec(error.hints[0] ?? '') ?? []
    const given = /String\(value\)|TextDecoder/.test(expression) ? value : value.toString()
    assert.equal(await statusWith(new Function('value', `return ${expression}`)(given)), 200)
  })
}

test('no hint for a value in memory speaks of a file', async () => {
  const stores = [Buffer.from('feedfeed00000002', 'hex'), pkcs12(['-nokeys'])]
  for (const value of stores) {
    for (const hint of (await refusalOf(value)).hints) assert.doesNotMatch(hint, /\b(?:FILE|NEW)\b/)
    const refused = await get('https://localhost:1/', { cert: { cert: value, key: value } }).catch((error) => error)
    for (const hint of refused.hints) assert.doesNotMatch(hint, /\b(?:FILE|NEW)\b/)
  }
})

test('a key of SSH is named, and converted by the command of the hint', {
  skip: !hasProgram('ssh-keygen') && 'no ssh-keygen',
}, async () => {
  using dir = tempDir()
  runSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', dir.join('id')])
  assert.match((await refusalOf(dir.join('id'))).message, /it holds a private key of SSH/)
  const cert = dir.write('client.pem', client.certificate)
  const error = await refusalOfKey(cert, dir.join('id'))
  assert.match(error.message, /it is a key of SSH \(BEGIN OPENSSH PRIVATE KEY\)/)
  const [, command = ''] = /: (cp FILE .*)$/.exec(error.hints[0] ?? '') ?? []
  const line = command
    .replaceAll('-f NEW', "-q -N '' -f NEW")
    .replaceAll('NEW', dir.join('new'))
    .replaceAll('FILE', dir.join('id'))
  assert.equal(runSync('sh', ['-c', line]).status, 0, line)
  assert.match(readFileSync(dir.join('new.key'), 'utf8'), /^-----BEGIN PRIVATE KEY-----/)
})

test('PEM and other files that are given as pfx are named, and PEM leads out', async () => {
  using dir = tempDir()
  const both = dir.write('client.pem', client.certificate + client.key)
  const error = await refusalOfPfx(both)
  assert.match(error.message, /it is no PKCS#12 \(pfx\): it is PEM/)
  assert.match(error.hints.join(), /cert: 'client\.pem'/)
  assert.equal(await statusWith(pem, both), 200)
  const base64 = await refusalOfPfx(dir.write('p12.txt', pkcs12(['-inkey']).toString('base64')))
  const made = follow(base64, dir.join('p12.txt'), dir)
  assert.equal(await statusWith(pem, { pfx: dir.join(made), passphrase: '' }), 200)
  assert.match(
    (await refusalOfPfx(dir.write('x.jks', Buffer.from('feedfeed00000002', 'hex')))).message,
    /Java keystore/,
  )
})

test('a store without a key says so, and is made with one by the command of the hint', async () => {
  using dir = tempDir()
  const error = await refusalOfPfx(dir.write('trust.p12', pkcs12(['-nokeys'])))
  const [, command = ''] = /there is no private key in it: .*(openssl .*)$/.exec(error.hints[0] ?? '') ?? []
  const names = {
    KEY: dir.write('key', client.key),
    CERT: dir.write('cert', client.certificate),
    'NEW.p12': dir.join('new.p12'),
  }
  const line = command.replace(/KEY|CERT|NEW\.p12/g, (name) => names[name as keyof typeof names])
  assert.equal(runSync('sh', ['-c', `${line} -passout pass:`]).status, 0, line)
  assert.equal(await statusWith(pem, { pfx: dir.join('new.p12'), passphrase: '' }), 200)
})

const PATHS: [path: string, hint: RegExp][] = [
  ['C:\\certs\\ca.pem', /a path of Windows, .*in WSL write '\/mnt\/c\/certs\/ca\.pem'/],
  ['certs\\ca.pem', /here \/ separates the parts of a path/],
  ['"/etc/ca.pem"', /quotes around it/],
  ['/etc/ca.pem\r', /ends with a blank, a tab or a line break/],
  ['~/ca.pem', /a tilde is not expanded/],
  ['$HOME/ca.pem', /a variable is not expanded/],
  ['undefined', /a value that was not set/],
  ['{"ca":"x"}', /JSON or an object that became text/],
  ['[object Promise]', /JSON or an object that became text/],
  ['file:///etc/ca.pem', /pass a URL object/],
  ['C:ca.pem:x', /there is no such file/],
]

for (const [path, hint] of PATHS) {
  test(`a path such as ${JSON.stringify(path)} is asked about, in verify and in cert`, onPosix, async () => {
    assert.match((await refusalOf(path)).hints.join('\n'), hint)
    const error = await get('https://localhost:1/', { cert: path }).catch((reason: unknown) => reason)
    assert(error instanceof ClientCertError, String(error))
    assert.match(error.hints.join('\n'), hint)
  })
}

async function refusalOf(verify: Verify): Promise<CABundleError> {
  const error = await (async () => get('https://localhost:1/', { verify }))().catch((reason: unknown) => reason)
  assert(error instanceof CABundleError, String(error))
  return error
}

async function refusalOfKey(cert: string, key: string): Promise<ClientCertError> {
  const error = await get('https://localhost:1/', { verify: pem, cert: [cert, key] }).catch((reason: unknown) => reason)
  assert(error instanceof ClientCertError, String(error))
  return error
}

async function refusalOfPfx(pfx: string): Promise<ClientCertError> {
  const cert = { pfx, passphrase: '' }
  const error = await get('https://localhost:1/', { verify: pem, cert }).catch((reason: unknown) => reason)
  assert(error instanceof ClientCertError, String(error))
  return error
}

/** Runs the command of the first hint. @returns the name of the file that it made */
function follow({ hints }: { readonly hints: readonly string[] }, file: string, dir: TempDir): string {
  const [, command = ''] = /: (\(umask.*\))$/.exec(hints[0] ?? '') ?? assert.fail(hints.join('\n'))
  const name = `new${file.length}`
  const ran = runSync('sh', ['-c', command.replaceAll('FILE', file).replace(/\bNEW\b/, dir.join(name))])
  assert.equal(ran.status, 0, `${command}: ${ran.stderr}`)
  return name
}

async function statusWith(verify: Verify, cert?: ClientCert): Promise<number> {
  await using running = await startHttpsServer({ key: server.key, cert: server.certificate })
  return (await get(running.url, { verify, cert })).statusCode
}

function packed(text: string, dir: TempDir, program: string, args: readonly string[]): Buffer {
  dir.write('ca.pem', text)
  assert.equal(runSync(program, [...args, dir.join('packed'), 'ca.pem'], { cwd: dir.path }).status, 0)
  return readFileSync(dir.join('packed'))
}

function zipped(text: string, dir: TempDir): Buffer {
  dir.write('ca.pem', text)
  const script = 'import zipfile; zipfile.ZipFile("packed", "w").write("ca.pem")'
  assert.equal(runSync('python3', ['-c', script], { cwd: dir.path }).status, 0)
  return readFileSync(dir.join('packed'))
}

function pkcs12(args: readonly string[]): Buffer {
  using dir = tempDir()
  const key = args.includes('-inkey') ? ['-inkey', dir.write('key', client.key)] : args
  const cert = ['-in', dir.write('cert', client.certificate)]
  openssl(['pkcs12', '-export', ...cert, ...key, '-passout', 'pass:', '-out', dir.join('store.p12')])
  return readFileSync(dir.join('store.p12'))
}
