/** The client certificate of mutual TLS: read from its files for each request, and checked before use. */
import { hash, type KeyObject, X509Certificate } from 'node:crypto'
import { codeOf } from '../core/error-code.ts'
import { ClientCertError } from '../core/errors.ts'
import { changedAt, tryStat } from '../core/file-being-written.ts'
import { aboutFile, isMissingPathCode, withoutPath } from '../core/file-error.ts'
import { keyMaterialIn } from '../core/key-material.ts'
import { LiveFiles, type Snapshot } from '../core/live-file.ts'
import { LruMap } from '../core/lru-map.ts'
import { BundleSyntaxError, readCertificates } from '../x509/certificate.ts'
import { contentKind, isPkcs12 } from '../x509/content-kind.ts'
import { isPem } from '../x509/pem.ts'
import { PrivateKeyError, readPrivateKey } from '../x509/private-key.ts'
import type { ClientCertSource, FileSource, PemSource, PfxSource } from './client-cert.ts'
import { digestOf, type TrustDigest } from './digest.ts'
import { missingFileHints } from './mistaken-path.ts'

/** A client certificate for a connection: its files have been read. */
export interface ClientIdentity {
  /** Equal digests mean the same certificates and key. */
  readonly digest: TrustDigest
  /** For `tls.createSecureContext`. */
  readonly options:
    | { readonly cert: string; readonly key: string }
    | { readonly pfx: Buffer; readonly passphrase?: string }
  /** For messages: the path, or how the content was given. */
  readonly displayName: string
  /** The same if it is from a file. */
  readonly path: string | undefined
  /** The absolute path. */
  readonly file: string | undefined
  /** Whether one of the files has changed since it was read. */
  readonly stale: boolean
}

type Label = 'certificate file' | 'key file' | 'PKCS#12 file'

/**
 * Reads the files, if they have changed, and checks that they belong together.
 *
 * @throws ClientCertError if a file is missing, holds no certificate or key, or the key belongs to another certificate
 */
export function resolveClientCert(source: ClientCertSource): ClientIdentity {
  if (source.kind === 'pfx') {
    const pfx = read(source.pfx, 'PKCS#12 file')
    return cachedIdentity(source, [source.pfx], [pfx], () => pfxIdentity(source, pfx.value))
  }
  const cert = read(source.cert, 'certificate file')
  const key = read(source.key, 'key file')
  return cachedIdentity(source, [source.cert, source.key], [cert, key], () =>
    pemIdentity(source, cert.value, key.value),
  )
}

/** Also checked for plain http, as in requests: the files must exist. */
export function assertClientCertExists(source: ClientCertSource): void {
  if (source.kind === 'pfx') {
    assertExists(source.pfx, 'certificate file')
  } else {
    assertExists(source.cert, 'certificate file')
    assertExists(source.key, 'key file')
  }
}

function assertExists(file: FileSource, label: Label): void {
  if (file.path !== undefined && tryStat(file.path) === undefined) throw missing(file, label)
}

/** OpenSSL refuses some client certificates only when a context is made of them. */
export function clientCertError(identity: ClientIdentity, cause: unknown): ClientCertError {
  const { message } = cause as Error
  const error = new ClientCertError(`cannot use the client certificate ${identity.displayName}: ${message}`, {
    path: identity.path,
    hints: hintsFor(message, 'passphrase' in identity.options),
    cause,
  })
  return aboutFile(error, identity.file)
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
  if (/load private key/i.test(message))
    return [
      'there is no private key in it: export it again with the key, openssl pkcs12 -export -inkey KEY -in CERT -out NEW.p12',
    ]
  if (/not understood/.test(message)) return ['convert it to PEM: openssl pkcs12 -in FILE -nodes -out NEW.pem']
  return /too small|too weak/i.test(message) ? ['have it issued again with a stronger key or signature'] : []
}

/** Each has a few kB: a service may have a client certificate for each of its tenants. */
const MAX_CLIENTS = 2048
const files = new LiveFiles<Buffer>((content) => content)
const identities = new LruMap<string, { parts: readonly Snapshot<Buffer>[]; identity: ClientIdentity }>(MAX_CLIENTS)

/** The identity of a source: the same object until one of its parts has changed. */
function cachedIdentity(
  { kind, passphrase }: ClientCertSource,
  [first, ...others]: readonly [FileSource, ...FileSource[]],
  parts: readonly Snapshot<Buffer>[],
  make: () => Pick<ClientIdentity, 'digest' | 'options'>,
): ClientIdentity {
  const names = [first, ...others].map(({ path, content }) => [path, content?.toString('latin1')])
  const key = hash('sha256', JSON.stringify([kind, names, passphrase]))
  const known = identities.get(key)
  if (known?.parts.every((part, index) => part === parts[index])) return known.identity
  const identity: ClientIdentity = {
    ...make(),
    displayName: first.displayName,
    path: displayPath(first),
    file: first.path,
    get stale() {
      return parts.some((part) => part.stale)
    },
  }
  identities.set(key, { parts, identity })
  return identity
}

function read(file: FileSource, label: Label): Snapshot<Buffer> {
  if (file.content !== undefined) {
    const key = hash('sha256', file.content)
    const known = contents.get(key) ?? { value: file.content, stale: false }
    contents.set(key, known)
    return known
  }
  try {
    return files.read(file.path)
  } catch (error) {
    const code = codeOf(error)
    const cause = withoutPath(error)
    if (isMissingPathCode(code)) throw missing(file, label, cause)
    const unreadable = new ClientCertError(`cannot read the TLS ${label} ${file.displayName}: ${cause.message}`, {
      path: file.displayName,
      code: code || undefined,
      hints: ['the user that runs this process must be able to read the file'],
      cause,
    })
    throw aboutFile(unreadable, file.path)
  }
}

const contents = new LruMap<string, Snapshot<Buffer>>(MAX_CLIENTS)

/** The message is requests' own. */
function missing({ displayName: path, path: file, hints }: FileSource, label: Label, cause?: unknown): ClientCertError {
  const message = `Could not find the TLS ${label}, invalid path: ${path}`
  const details = hints ?? missingFileHints(path)
  return aboutFile(new ClientCertError(message, { path, code: 'ENOENT', hints: details, cause }), file)
}

/** OpenSSL's own words for what is no PKCS#12 (`wrong tag`) help no one. */
function assertPkcs12({ pfx: file }: PfxSource, content: Buffer): void {
  if (isPkcs12(content)) return
  const isText = /^-----BEGIN /m.test(content.toString('latin1')) && !content.includes(0)
  const known = isText ? undefined : contentKind(content)
  const hints = file.path === undefined ? known?.valueHints : known?.hints
  const what = isText ? 'it is PEM' : (known?.what ?? 'its content is another')
  throw aboutFile(
    new ClientCertError(`cannot use the client certificate ${file.displayName}: it is no PKCS#12 (pfx): ${what}`, {
      path: displayPath(file),
      hints: isText ? [PEM_HINT] : (hints ?? ['a file of PKCS#12 often ends in .p12 or .pfx']),
    }),
    file.path,
  )
}

const PEM_HINT = "give it as PEM: cert: 'client.pem', or cert: ['client.crt', 'client.key']"

function pfxIdentity(source: PfxSource, pfx: Buffer): Pick<ClientIdentity, 'digest' | 'options'> {
  const { passphrase } = source
  assertPkcs12(source, pfx)
  return {
    digest: digestOf(hash('sha256', pfx), passphrase ?? ''),
    options: passphrase === undefined ? { pfx } : { pfx, passphrase },
  }
}

function pemIdentity(source: PemSource, cert: Buffer, key: Buffer): Pick<ClientIdentity, 'digest' | 'options'> {
  const chain = readChain(source.cert, cert)
  const privateKey = readKey(source, key)
  if (!new X509Certificate(chain).checkPrivateKey(privateKey)) throw mismatch(source, chain, privateKey)
  // Written again: createSecureContext accepts neither DER nor a byte-order mark.
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  return { digest: digestOf(chain, pem), options: { cert: chain, key: pem } }
}

/** The certificate and its chain as PEM. */
function readChain(file: FileSource, content: Buffer): string {
  try {
    return readCertificates(content)
      .map((anchor) => anchor.pem)
      .join('')
  } catch (error) {
    if (!(error instanceof BundleSyntaxError)) throw error
    const { line, message } = error
    const hints = isPkcs12(content) ? [PFX_HINT] : file.path === undefined ? error.valueHints : error.hints
    const where = line === undefined ? file.displayName : `${file.displayName}, line ${line}`
    const problem = `cannot use the client certificate ${where}: ${message}`
    throw aboutFile(new ClientCertError(problem, { path: displayPath(file), line, hints, cause: error }), file.path)
  }
}

function readKey({ cert, key, passphrase }: PemSource, content: Buffer): KeyObject {
  try {
    return readPrivateKey(content, passphrase)
  } catch (error) {
    if (!(error instanceof PrivateKeyError)) throw error
    const material = isPem(content) ? keyMaterialIn(content.toString('latin1')) : undefined
    const isSameFile = key.path === cert.path
    const hints = {
      none:
        error.hints.length > 0
          ? ''
          : (material?.fix ??
            (isSameFile
              ? 'name the key file as well: cert: [certPath, keyPath]'
              : 'name the file that has the key of the certificate')),
      encrypted: PASSPHRASE_HINT,
      other: '',
    }
    const unusable = new ClientCertError(`cannot use the client key ${key.displayName}: ${error.message}`, {
      path: displayPath(key),
      hints: [...(key.path === undefined ? error.valueHints : error.hints), hints[error.kind]].filter(
        (hint) => hint !== '',
      ),
      cause: error.cause,
    })
    throw aboutFile(unusable, key.path)
  }
}

const PFX_HINT = "give it as PKCS#12: cert: { pfx: 'client.p12', passphrase }"
const PASSPHRASE_HINT = 'give its passphrase: cert: { cert, key, passphrase }'

function mismatch(source: PemSource, chain: string, privateKey: KeyObject): ClientCertError {
  const { cert, key } = source
  const issuers = readCertificates(Buffer.from(chain)).slice(1)
  const hint = issuers.some(({ certificate }) => certificate.checkPrivateKey(privateKey))
    ? 'the key belongs to a later certificate of the file: put that one first'
    : 'use the key that the certificate was issued for'
  const changed = changedLast(source)
  const error = new ClientCertError(
    `the client key ${key.displayName} does not belong to the certificate ${cert.displayName}`,
    { path: displayPath(changed), code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH', hints: [hint] },
  )
  return aboutFile(error, changed.path)
}

/** The file that changed last: while a pair is being replaced, the other file is about to change. */
function changedLast({ cert, key }: PemSource): FileSource {
  const changed = ({ path }: FileSource) => {
    const status = path === undefined ? undefined : tryStat(path)
    return status === undefined ? 0 : changedAt(status)
  }
  return changed(cert) > changed(key) ? cert : key
}

function displayPath({ path, displayName }: FileSource): string | undefined {
  return path === undefined ? undefined : displayName
}
