/** `cert`: the client certificate of mutual TLS, in any of its forms, read from live files and checked before use. */
import { hash, type KeyObject, X509Certificate } from 'node:crypto'
import { resolve } from 'node:path'
import { ClientCertError } from '../core/errors.ts'
import { type FileVersion, isNoPath, LiveFiles, statusOf, UnusableFileError } from '../core/live-file.ts'
import { LruMap } from '../core/lru-map.ts'
import { BundleSyntaxError, readCertificates } from '../x509/certificate.ts'
import { isPem } from '../x509/pem.ts'
import { PrivateKeyError, readPrivateKey } from '../x509/private-key.ts'
import { pathOfUrl } from './ca-bundle.ts'

/** A file by its path (string or `file:` URL), or its content: PEM text (it contains `-----BEGIN`), PEM or DER bytes. */
export type FileInput = string | URL | Uint8Array

/**
 * A client certificate: the path of a PEM file with certificate and key; a pair of paths (`null` for the key: it is in
 * the first file); `{ cert, key, passphrase }` or `{ pfx, passphrase }`, each by path or content. Further certificates
 * after the first are sent as its chain.
 *
 * @example
 * new Session({ cert: ['client.crt', 'client.key'] })
 * new Session({ cert: await ca.issueClient('ada') }) // of vouch/certs
 * get(url, { cert: { pfx: 'client.p12', passphrase: process.env.P12_PASSPHRASE } })
 */
export type ClientCert =
  | string
  | URL
  | readonly [cert: string | URL, key: string | URL | null]
  | { readonly cert: FileInput; readonly key?: FileInput | undefined; readonly passphrase?: string | undefined }
  | { readonly pfx: FileInput; readonly passphrase?: string | undefined }

/** A {@link ClientCert} of known form; its files are not looked at yet. */
export type ClientCertSource =
  | { readonly kind: 'pem'; readonly cert: FileSource; readonly key: FileSource; readonly passphrase?: string }
  | { readonly kind: 'pfx'; readonly pfx: FileSource; readonly passphrase?: string }

/** A client certificate at the moment of a connection, for `tls.createSecureContext`. */
export interface ClientIdentity {
  /** SHA-256 of all of it, in hex: equal digests mean the same identity. */
  readonly digest: string
  readonly options:
    | { readonly cert: string; readonly key: string }
    | { readonly pfx: Buffer; readonly passphrase?: string }
  /** What to call it in a message. */
  readonly shown: string
  /** The file, when it came from one, as the user wrote it. */
  readonly path?: string | undefined
  /** Whether a file that this was read from holds something else by now. */
  readonly stale: boolean
}

/** An absolute path, or content; `shown` is what the user wrote, or how it was given. */
type FileSource =
  | { readonly path: string; readonly shown: string; readonly content: undefined }
  | { readonly path: undefined; readonly shown: string; readonly content: Buffer }

/** @throws TypeError for another type, with what is accepted */
export function toClientCertSource(cert: ClientCert): ClientCertSource {
  if (typeof cert === 'string' || cert instanceof URL) {
    const file = toFileSource(cert)
    return { kind: 'pem', cert: file, key: file }
  }
  if (Array.isArray(cert)) return sourceOfPair(cert)
  if (typeof cert === 'object' && cert !== null) return sourceOfObject(cert as Record<string, unknown>)
  throw wrongType(typeof cert)
}

/**
 * Reads the files as they are now and checks that they fit.
 *
 * @throws ClientCertError when a file is missing, is not what it should be, or the key belongs to another certificate
 */
export function resolveClientCert(source: ClientCertSource): ClientIdentity {
  const files = filesOf(source)
  const parts = files.map(([file, label]) => read(file, label))
  const names = files.map(([file]) => file.path ?? file.content?.toString('latin1'))
  const key = hash('sha256', JSON.stringify([source.kind, names, source.passphrase]))
  const known = identities.get(key)
  if (known?.parts.every((part, index) => part === parts[index])) return known.identity
  const identity = source.kind === 'pfx' ? pfxIdentity(source, parts) : pemIdentity(source, parts)
  identities.set(key, { parts, identity })
  return identity
}

/** The check that is made for plain http as well, as in requests: a path that is given must exist. */
export function assertClientCertExists(source: ClientCertSource): void {
  for (const [{ path, shown }, label] of filesOf(source)) {
    if (path === undefined || statusOf(path) !== undefined) continue
    throw missing(shown, label === 'key file' ? label : 'certificate file')
  }
}

/** The files of a source, and what to call them in a message. */
function filesOf(source: ClientCertSource): [file: FileSource, label: string][] {
  if (source.kind === 'pfx') return [[source.pfx, 'PKCS#12 file']]
  return [
    [source.cert, 'certificate file'],
    [source.key, 'key file'],
  ]
}

/** OpenSSL's complaint about a client certificate, which shows only when a context is made of it. */
export function refusedIdentity(identity: ClientIdentity, cause: unknown): ClientCertError {
  const { message } = cause as Error
  return new ClientCertError(`cannot use the client certificate ${identity.shown}: ${message}`, {
    path: identity.path,
    hints: hintsFor(message, 'passphrase' in identity.options),
    cause,
  })
}

function hintsFor(message: string, hasPassphrase: boolean): string[] {
  if (/mac verify/i.test(message)) {
    return [hasPassphrase ? 'the passphrase is wrong' : 'it needs a passphrase: cert: { pfx, passphrase }']
  }
  if (/unsupported/i.test(message)) {
    return [
      'it uses an old cipher; export it again: openssl pkcs12 -legacy -in OLD -nodes | openssl pkcs12 -export -out NEW',
    ]
  }
  if (/not understood/.test(message)) return ['write it as PEM: openssl pkcs12 -in FILE -nodes -out client.pem']
  return /too small|too weak/i.test(message) ? ['have it issued again with a stronger key or signature'] : []
}

const files = new LiveFiles<Buffer>((content) => content, 128)
const identities = new LruMap<string, { parts: readonly FileVersion<Buffer>[]; identity: ClientIdentity }>(128)

const ACCEPTED = 'the path of a PEM file, [certPath, keyPath], { cert, key, passphrase? } or { pfx, passphrase? }'

function wrongType(given: string): TypeError {
  return new TypeError(`cert must be ${ACCEPTED}, not ${given}`)
}

function sourceOfPair(pair: readonly unknown[]): ClientCertSource {
  const [cert, key] = pair
  if (pair.length !== 2) throw wrongType(`a list of ${pair.length}`)
  const certFile = toFileSource(cert)
  return { kind: 'pem', cert: certFile, key: key === null ? certFile : toFileSource(key) }
}

function sourceOfObject(cert: Record<string, unknown>): ClientCertSource {
  const { passphrase } = cert
  const unknown = Object.keys(cert).find((key) => !KNOWN_KEYS.has(key))
  if (unknown !== undefined) throw wrongType(`an object with "${unknown}"`)
  if (passphrase !== undefined && typeof passphrase !== 'string') {
    throw new TypeError(`cert.passphrase must be a string, not ${typeof passphrase}`)
  }
  const secret = passphrase === undefined ? {} : { passphrase }
  if (cert.pfx !== undefined) {
    if (cert.cert !== undefined || cert.key !== undefined) throw wrongType('an object with "pfx" and "cert" or "key"')
    return { kind: 'pfx', pfx: toFileSource(cert.pfx), ...secret }
  }
  const certFile = toFileSource(cert.cert)
  return { kind: 'pem', cert: certFile, key: cert.key === undefined ? certFile : toFileSource(cert.key), ...secret }
}

/** The last line: what `vouch/certs` says besides of a pair that it has made, which can be given as it is. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...['cert', 'key', 'pfx', 'passphrase'],
  ...['certFile', 'keyFile', 'fingerprint', 'validFrom', 'validTo', 'hosts', 'action'],
])

function toFileSource(input: unknown): FileSource {
  if (input instanceof URL) {
    const path = pathOfUrl(input)
    return { path, shown: path, content: undefined }
  }
  if (input instanceof Uint8Array) return { path: undefined, shown: 'given as bytes', content: Buffer.from(input) }
  if (typeof input !== 'string') throw wrongType(input === null ? 'null' : typeof input)
  if (input === '') throw new ClientCertError('the path of the client certificate is empty')
  if (isPem(input)) return { path: undefined, shown: 'given as PEM text', content: Buffer.from(input) }
  return { path: resolve(input), shown: input, content: undefined }
}

function read(file: FileSource, label: string): FileVersion<Buffer> {
  if (file.content !== undefined) {
    const key = hash('sha256', file.content)
    const known = contents.get(key) ?? { value: file.content, stale: false }
    contents.set(key, known)
    return known
  }
  try {
    return files.read(file.path)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (isNoPath(code)) throw missing(file.shown, label, error)
    const problem = error instanceof UnusableFileError ? error.message : (error as Error).message
    throw new ClientCertError(`cannot read the TLS ${label} ${file.shown}: ${problem}`, {
      path: file.shown,
      code,
      cause: error,
    })
  }
}

const contents = new LruMap<string, FileVersion<Buffer>>(128)

/** requests' own words. */
function missing(shown: string, label: string, cause?: unknown): ClientCertError {
  return new ClientCertError(`Could not find the TLS ${label}, invalid path: ${shown}`, {
    path: shown,
    code: 'ENOENT',
    cause,
  })
}

function pfxIdentity(
  source: ClientCertSource & { kind: 'pfx' },
  parts: readonly FileVersion<Buffer>[],
): ClientIdentity {
  const [pfx] = parts.map((part) => part.value) as [Buffer]
  const { passphrase } = source
  return {
    digest: hash('sha256', `${hash('sha256', pfx)}\n${passphrase ?? ''}`),
    options: passphrase === undefined ? { pfx } : { pfx, passphrase },
    shown: source.pfx.shown,
    path: pathOf(source.pfx),
    get stale() {
      return parts.some((part) => part.stale)
    },
  }
}

function pemIdentity(
  source: ClientCertSource & { kind: 'pem' },
  parts: readonly FileVersion<Buffer>[],
): ClientIdentity {
  const [certContent, keyContent] = parts.map((part) => part.value) as [Buffer, Buffer]
  const cert = readChain(source.cert, certContent)
  const privateKey = readKey(source, keyContent)
  if (!new X509Certificate(cert).checkPrivateKey(privateKey)) throw mismatch(source, cert, privateKey)
  // As it was read: the reader for contexts is less forgiving (a byte-order mark), and knows no DER.
  const key = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return {
    digest: hash('sha256', `${cert}\n${key}`),
    options: { cert, key },
    shown: source.cert.shown,
    path: pathOf(source.cert),
    get stale() {
      return parts.some((part) => part.stale)
    },
  }
}

/** The certificate and its chain as PEM. */
function readChain(file: FileSource, content: Buffer): string {
  try {
    return readCertificates(content)
      .map((anchor) => anchor.pem)
      .join('')
  } catch (error) {
    if (!(error instanceof BundleSyntaxError)) throw error
    const where = error.line === undefined ? file.shown : `${file.shown}, line ${error.line}`
    throw new ClientCertError(`cannot use the client certificate ${where}: ${error.message}`, {
      path: pathOf(file),
      line: error.line,
      hints: error.hints,
      cause: error,
    })
  }
}

function readKey(source: ClientCertSource & { kind: 'pem' }, content: Buffer): KeyObject {
  try {
    return readPrivateKey(content, source.passphrase)
  } catch (error) {
    if (!(error instanceof PrivateKeyError)) throw error
    const hints = {
      none: source.key.path === source.cert.path ? 'name the key file as well: cert: [certPath, keyPath]' : '',
      encrypted: PASSPHRASE_HINT,
      other: '',
    }
    throw new ClientCertError(`cannot use the client key ${source.key.shown}: ${error.message}`, {
      path: pathOf(source.key),
      hints: [hints[error.kind]].filter((hint) => hint !== ''),
      cause: error.cause,
    })
  }
}

const PASSPHRASE_HINT = 'give its passphrase: cert: { cert, key, passphrase }'

function mismatch(source: ClientCertSource & { kind: 'pem' }, chain: string, key: KeyObject): ClientCertError {
  const later = readCertificates(Buffer.from(chain)).slice(1)
  const hints = later.some((anchor) => anchor.certificate.checkPrivateKey(key))
    ? ['the key belongs to a later certificate of the file: put that one first']
    : ['take the pair that was made together']
  return new ClientCertError(
    `the client key ${source.key.shown} does not belong to the certificate ${source.cert.shown}`,
    { path: pathOf(changedLast(source)), code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH', hints },
  )
}

/** Of the two files the one changed last: while a pair is being replaced, that is the one to wait for. */
function changedLast({ cert, key }: ClientCertSource & { kind: 'pem' }): FileSource {
  const changed = ({ path }: FileSource) => (path && statusOf(path)?.mtimeMs) || 0
  return changed(cert) > changed(key) ? cert : key
}

function pathOf({ path, shown }: FileSource): string | undefined {
  return path === undefined ? undefined : shown
}
