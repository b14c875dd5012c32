/** `cert`: the forms in which a client certificate is given. */
import { resolve } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { ClientCertError } from '../core/errors.ts'
import { keyMaterialIn, notAPath } from '../core/key-material.ts'
import { ownProperties } from '../core/options.ts'
import { isPem } from '../x509/pem.ts'
import { pathOfUrl } from './ca-bundle.ts'
import { mistakenPath } from './mistaken-path.ts'

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
  | readonly (string | URL | null)[]
  | { readonly cert: FileInput; readonly key?: FileInput | undefined; readonly passphrase?: string | undefined }
  | { readonly pfx: FileInput; readonly passphrase?: string | undefined }

/** A {@link ClientCert} of known form; its files have not been read. */
export type ClientCertSource = PemSource | PfxSource

/** Certificate and key; the same file if it holds both. */
export interface PemSource {
  readonly kind: 'pem'
  readonly cert: FileSource
  readonly key: FileSource
  readonly passphrase?: string
}

export interface PfxSource {
  readonly kind: 'pfx'
  readonly pfx: FileSource
  readonly passphrase?: string
}

/** An absolute path, or content. `displayName` is the path as the user wrote it, or how the content was given. */
export type FileSource =
  | (DisplayedSource & { readonly path: string; readonly content: undefined })
  | (DisplayedSource & { readonly path: undefined; readonly content: Buffer })

interface DisplayedSource {
  readonly displayName: string
  /** What the text is, if it seems to be no path. */
  readonly hints?: readonly string[] | undefined
}

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

function sourceOfObject(given: Record<string, unknown>): ClientCertSource {
  const cert = ownProperties(given)
  const { passphrase } = cert
  const unknown = Object.keys(cert).find((key) => !KNOWN_KEYS.has(key))
  if (unknown !== undefined) throw wrongType(`an object with "${displayName(unknown)}"`)
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

/** The last line: the other properties of a pair made by `vouch/certs`, which can be passed as it is. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...['cert', 'key', 'pfx', 'passphrase'],
  ...['certFile', 'keyFile', 'fingerprint', 'validFrom', 'validTo', 'hosts', 'action'],
])

function toFileSource(input: unknown): FileSource {
  if (input instanceof URL) {
    const path = pathOfUrl(input)
    return { path, displayName: displayName(path), content: undefined }
  }
  if (input instanceof Uint8Array) {
    return { path: undefined, displayName: 'given as bytes', content: Buffer.from(input) }
  }
  if (typeof input !== 'string') throw wrongType(input === null ? 'null' : typeof input)
  if (input === '') throw new ClientCertError('the path of the client certificate is empty')
  if (isPem(input)) return { path: undefined, displayName: 'given as PEM text', content: Buffer.from(input) }
  const material = keyMaterialIn(input)
  const mistake = material ? notAPath(material) : mistakenPath(input)
  const hints = mistake === undefined ? undefined : [mistake]
  return { path: resolve(input), displayName: displayName(input), content: undefined, hints }
}
