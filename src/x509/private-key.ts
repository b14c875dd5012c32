/** Private keys: PEM or DER, PKCS#8 and the older forms, encrypted or not. */
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { codeOf } from '../core/error-code.ts'
import { contentKind, isPkcs12 } from './content-kind.ts'
import { OBJECT_IDENTIFIER, readElement, SEQUENCE } from './der.ts'
import { isPem } from './pem.ts'

/** Why a key cannot be read. It contains neither the key nor the passphrase. */
export class PrivateKeyError extends Error {
  override readonly name = 'PrivateKeyError'
  /** `none`: there is no key; `encrypted`: a passphrase is required. */
  readonly kind: 'none' | 'encrypted' | 'other'
  readonly hints: readonly string[]
  /** For a key that was given by value, not as a file. */
  readonly valueHints: readonly string[]

  constructor(
    kind: PrivateKeyError['kind'],
    problem: string,
    { hints = [], valueHints = hints }: { hints?: readonly string[]; valueHints?: readonly string[] } = {},
    cause?: unknown,
  ) {
    super(problem, cause === undefined ? {} : { cause })
    this.kind = kind
    this.hints = hints
    this.valueHints = valueHints
  }
}

/** @throws PrivateKeyError if there is no key, or it cannot be read with this passphrase */
export function readPrivateKey(content: Buffer, passphrase?: string): KeyObject {
  const kind = kindOfKey(content)
  if (kind === 'none') throw noKey(content)
  if (kind === 'encrypted' && passphrase === undefined) throw new PrivateKeyError('encrypted', 'it is encrypted')
  const secret = { passphrase }
  try {
    return isPem(content) ? createPrivateKey({ key: content, ...secret }) : privateKeyFromDer(content, secret)
  } catch (cause) {
    if (kind === 'encrypted') throw undecipherable(cause)
    if (content.includes('-----BEGIN OPENSSH PRIVATE KEY-----'))
      throw new PrivateKeyError('other', OF_SSH, SSH_HINTS, cause)
    const known = isPkcs12(content) || !content.includes('\n') ? contentKind(content) : undefined
    if (known) throw new PrivateKeyError('other', known.what, known, cause)
    const hints = ['get it again from its source; PEM keys begin with -----BEGIN PRIVATE KEY-----']
    throw new PrivateKeyError('other', 'it is damaged, or of a kind that Node cannot read', { hints }, cause)
  }
}

function noKey(content: Buffer): PrivateKeyError {
  const known = contentKind(content)
  return known
    ? new PrivateKeyError('none', `there is no private key in it: ${known.what}`, known)
    : new PrivateKeyError('none', 'there is no private key in it')
}

/** OpenSSL 3 has DES, RC2 and MD5 switched off, whatever the passphrase is. */
function undecipherable(cause: unknown): PrivateKeyError {
  if (/UNSUPPORTED/.test(codeOf(cause))) {
    const problem = 'it is encrypted with an old cipher (DES, RC2 or MD5), which OpenSSL has switched off'
    const convert = 'encrypt it again: openssl pkey -provider legacy -provider default -in OLD.key -aes256 -out NEW.key'
    return new PrivateKeyError('other', problem, { hints: [convert] }, cause)
  }
  const problem = 'it cannot be decrypted: the passphrase is wrong, or the file is damaged'
  return new PrivateKeyError(
    'other',
    problem,
    {
      hints: ['try it: openssl pkey -in FILE -noout'],
      valueHints: ['try the passphrase on the key with openssl pkey -noout'],
    },
    cause,
  )
}

const OF_SSH = 'it is a key of SSH (BEGIN OPENSSH PRIVATE KEY), which Node cannot read'
const NAME_KEY = 'give the key that the certificate was issued for'
const SSH_HINTS = {
  hints: [
    `${NAME_KEY}; if it is this one, of RSA or ECDSA: cp FILE NEW.key && chmod 600 NEW.key && ssh-keygen -p -m PKCS8 -f NEW.key`,
  ],
  valueHints: [`${NAME_KEY}; if it is this one, convert it: ssh-keygen -p -m PKCS8`],
}

function kindOfKey(content: Buffer): 'plain' | 'encrypted' | 'none' {
  if (!isPem(content)) return content[0] === SEQUENCE ? kindOfDerKey(content) : 'none'
  const text = content.toString('latin1')
  if (!/^(?:\u00ef\u00bb\u00bf)?-----BEGIN [A-Z ]*PRIVATE KEY-----/m.test(text)) return 'none'
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text) ? 'encrypted' : 'plain'
}

/** A key begins with its version number (RFC 5208, 8017, 5915), an encrypted key with its algorithm. */
function kindOfDerKey(content: Buffer): 'plain' | 'encrypted' | 'none' {
  try {
    const first = readElement(readElement(content).content)
    if (first.tag === INTEGER) return 'plain'
    return first.tag === SEQUENCE && first.content[0] === OBJECT_IDENTIFIER ? 'encrypted' : 'none'
  } catch {
    return 'none'
  }
}

const INTEGER = 0x02

function privateKeyFromDer(key: Buffer, secret: { passphrase: string | undefined }): KeyObject {
  let first: unknown
  for (const type of ['pkcs8', 'pkcs1', 'sec1'] as const) {
    try {
      return createPrivateKey({ key, format: 'der', type, ...secret })
    } catch (error) {
      first ??= error
    }
  }
  throw first
}
