/**
 * The certificate and key of a PKCS#12 file (RFC 7292). Node's own `pfx` is not used: it also trusts the other certificates of
 * the file, so that the CA of a client certificate would decide which servers are trusted.
 */
import {
  createDecipheriv,
  createHash,
  createPrivateKey,
  type KeyObject,
  pbkdf2Sync,
  X509Certificate,
} from 'node:crypto'
import { derOfBer } from './ber.ts'
import { type DerElement, OBJECT_IDENTIFIER, readElement, readElements, required, SEQUENCE } from './der.ts'
import { toPem } from './pem.ts'

/**
 * @param pfx a file that OpenSSL has opened with this passphrase: its integrity is not checked again
 * @returns PEM: the key, and its certificate followed by the others
 * @throws Error for an unknown structure; its message continues the name of the file
 */
export function readPkcs12(pfx: Buffer, passphrase: string): { readonly cert: string; readonly key: string } {
  const bags = bagsOf(pfx, passphrase)
  const keys = bags.flatMap(({ type, value }) => keyOf(type, value, passphrase))
  const certificates = bags.flatMap(({ type, value }) => certificateOf(type, value))
  for (const key of keys) {
    const own = certificates.find((certificate) => certificate.checkPrivateKey(key))
    if (own === undefined) continue
    const chain = [own, ...certificates.filter((certificate) => certificate !== own)]
    const cert = chain.map(({ raw }) => toPem('CERTIFICATE', raw)).join('')
    return { cert, key: key.export({ format: 'pem', type: 'pkcs8' }).toString() }
  }
  throw new Error('it holds no key with its certificate')
}

interface Bag {
  readonly type: string
  readonly value: Buffer
}

/** PFX → AuthenticatedSafe → SafeContents → SafeBag (RFC 7292, section 4). Those of NSS are in BER at each level. */
function bagsOf(pfx: Buffer, passphrase: string): Bag[] {
  try {
    return bagsInDer(pfx, { passphrase, toDer: (bytes) => bytes })
  } catch {
    try {
      return bagsInDer(pfx, { passphrase, toDer: derOfBer })
    } catch (cause) {
      throw new Error('its structure is not understood', { cause })
    }
  }
}

interface Reading {
  readonly passphrase: string
  /** Applied to each level. */
  readonly toDer: (bytes: Buffer) => Buffer
}

function bagsInDer(pfx: Buffer, reading: Reading): Bag[] {
  const [, authSafe] = readElements(readElement(reading.toDer(pfx)).content)
  const safes = readElements(readElement(reading.toDer(contentOf(authSafe))).content)
  return safes.flatMap((safe) => readBags(safe, reading))
}

function readBags(safe: DerElement, { passphrase, toDer }: Reading): Bag[] {
  const [type] = readElements(safe.content)
  if (oidHex(type) === DATA) return bagsIn(toDer(contentOf(safe)))
  if (oidHex(type) !== ENCRYPTED_DATA) throw new RangeError(`unknown contents ${oidHex(type)}`)
  const [, explicit] = readElements(safe.content)
  const [, encrypted] = readElements(readElement(required(explicit).content).content)
  const [, algorithm, octets] = readElements(required(encrypted).content)
  // The older algorithm has two encodings of an empty passphrase.
  let failure: unknown
  for (const secret of passphrase === '' ? ['', undefined] : [passphrase]) {
    try {
      return bagsIn(toDer(decrypt(required(algorithm), required(octets).content, secret)))
    } catch (error) {
      failure = error
    }
  }
  throw failure
}

function bagsIn(contents: Buffer): Bag[] {
  return readElements(readElement(contents).content).map((bag) => {
    const [type, explicit] = readElements(bag.content)
    return { type: oidHex(type), value: required(explicit).content }
  })
}

/** The octets of a ContentInfo of type `data`. */
function contentOf(info: DerElement | undefined): Buffer {
  const [type, explicit] = readElements(required(info).content)
  if (oidHex(type) !== DATA) throw new RangeError(`unknown contents ${oidHex(type)}`)
  const octets = readElement(required(explicit).content)
  if (octets.tag !== OCTET_STRING) throw new RangeError('octets in pieces (BER)')
  return octets.content
}

function keyOf(type: string, der: Buffer, passphrase: string): KeyObject[] {
  if (type !== KEY_BAG && type !== SHROUDED_KEY_BAG) return []
  const secret = { passphrase: type === SHROUDED_KEY_BAG ? passphrase : undefined }
  return [createPrivateKey({ key: der, format: 'der', type: 'pkcs8', ...secret })]
}

function certificateOf(type: string, value: Buffer): X509Certificate[] {
  if (type !== CERT_BAG) return []
  const [kind, explicit] = readElements(readElement(value).content)
  if (oidHex(kind) !== X509_CERTIFICATE) return []
  return [new X509Certificate(toPem('CERTIFICATE', readElement(required(explicit).content).content))]
}

/** @param passphrase `undefined`: none, which the older algorithm distinguishes from an empty one */
function decrypt(algorithm: DerElement, data: Buffer, passphrase: string | undefined): Buffer {
  const [type, parameters] = readElements(algorithm.content)
  const { name, key, iv } =
    oidHex(type) === PBES2
      ? pbes2(required(parameters), passphrase ?? '')
      : tripleDes(oidHex(type), required(parameters), passphrase)
  const decipher = createDecipheriv(name, key, iv)
  return Buffer.concat([decipher.update(data), decipher.final()])
}

interface Cipher {
  readonly name: string
  readonly key: Buffer
  readonly iv: Buffer
}

/** RFC 8018, section 6.2: PBKDF2 and AES, as current tools write. */
function pbes2(parameters: DerElement, passphrase: string): Cipher {
  const [derivation, encryption] = readElements(parameters.content)
  const [kdf, kdfParameters] = readElements(required(derivation).content)
  const [cipher, iv] = readElements(required(encryption).content)
  const aes = AES.get(oidHex(cipher))
  if (oidHex(kdf) !== PBKDF2 || aes === undefined)
    throw new RangeError(`unknown cipher ${oidHex(kdf)} ${oidHex(cipher)}`)
  const [salt, iterations, ...others] = readElements(required(kdfParameters).content)
  const prf = others.find(({ tag }) => tag === SEQUENCE)
  const digest = prf === undefined ? 'sha1' : PRFS.get(oidHex(readElement(prf.content)))
  if (digest === undefined) throw new RangeError('unknown hash')
  const key = pbkdf2Sync(passphrase, required(salt).content, iterationCount(iterations), aes.bytes, digest)
  return { name: aes.name, key, iv: required(iv).content }
}

/** RFC 7292, appendix B and C: SHA-1 and triple DES, as older versions of Windows write. OpenSSL 3 opens nothing older. */
function tripleDes(type: string, parameters: DerElement, passphrase: string | undefined): Cipher {
  if (type !== PBE_SHA1_3DES) throw new RangeError(`unknown cipher ${type}`)
  const [salt, iterations] = readElements(parameters.content)
  const secret = passphrase === undefined ? Buffer.alloc(0) : Buffer.from(`${passphrase}\0`, 'utf16le').swap16()
  const derive = (id: number, length: number) =>
    pkcs12Key(id, length, secret, required(salt).content, iterationCount(iterations))
  return { name: 'des-ede3-cbc', key: derive(1, 24), iv: derive(2, 8) }
}

/** SHA-1's. */
const BLOCK_BYTES = 64
const SHA1_BYTES = 20

/** RFC 7292, appendix B.2, with SHA-1. */
function pkcs12Key(id: number, length: number, secret: Buffer, salt: Buffer, iterations: number): Buffer {
  const fill = (bytes: Buffer) => Buffer.alloc(Math.ceil(bytes.length / BLOCK_BYTES) * BLOCK_BYTES, bytes)
  const input = Buffer.concat([fill(salt), fill(secret)])
  const blocks: Buffer[] = []
  for (let made = 0; made < length; made += SHA1_BYTES) {
    let hash = createHash('sha1').update(Buffer.alloc(BLOCK_BYTES, id)).update(input).digest()
    for (let round = 1; round < iterations; round++) hash = createHash('sha1').update(hash).digest()
    blocks.push(hash)
    const addend = BigInt(`0x${Buffer.alloc(BLOCK_BYTES, hash).toString('hex')}`) + 1n
    for (let start = 0; start < input.length; start += BLOCK_BYTES) {
      const sum = BigInt(`0x${input.toString('hex', start, start + BLOCK_BYTES)}`) + addend
      input.write((sum % (1n << 512n)).toString(16).padStart(BLOCK_BYTES * 2, '0'), start, 'hex')
    }
  }
  return Buffer.concat(blocks).subarray(0, length)
}

/** The octets of an object identifier, in hex. */
function oidHex(element: DerElement | undefined): string {
  if (element?.tag !== OBJECT_IDENTIFIER) throw new RangeError('an object identifier is missing')
  return element.content.toString('hex')
}

/** More iterations would take hours. */
const MAX_ITERATIONS = 10_000_000

function iterationCount(element: DerElement | undefined): number {
  const { content } = required(element)
  const value = content.length <= 4 ? content.readUIntBE(0, content.length) : Number.POSITIVE_INFINITY
  if (value < 1 || value > MAX_ITERATIONS) throw new RangeError(`${value} iterations`)
  return value
}

const OCTET_STRING = 0x04
const DATA = '2a864886f70d010701'
const ENCRYPTED_DATA = '2a864886f70d010706'
const KEY_BAG = '2a864886f70d010c0a0101'
const SHROUDED_KEY_BAG = '2a864886f70d010c0a0102'
const CERT_BAG = '2a864886f70d010c0a0103'
const X509_CERTIFICATE = '2a864886f70d01091601'
const PBE_SHA1_3DES = '2a864886f70d010c0103'
const PBES2 = '2a864886f70d01050d'
const PBKDF2 = '2a864886f70d01050c'
const PRFS: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d0207', 'sha1'],
  ['2a864886f70d0209', 'sha256'],
  ['2a864886f70d020a', 'sha384'],
  ['2a864886f70d020b', 'sha512'],
])
const AES: ReadonlyMap<string, { readonly name: string; readonly bytes: number }> = new Map([
  ['608648016503040102', { name: 'aes-128-cbc', bytes: 16 }],
  ['608648016503040116', { name: 'aes-192-cbc', bytes: 24 }],
  ['60864801650304012a', { name: 'aes-256-cbc', bytes: 32 }],
])
