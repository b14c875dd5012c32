/** The options that all certificates share, checked. */
import { ownOptions } from '../core/options.ts'
import { HASH_NAMES, type HashName, KEY_TYPES, type KeyType } from './keys.ts'

/** Options of every certificate that is made; `undefined` stands for the default. */
export interface CertOptions {
  /** How long the certificate is valid from now, in days of 24 hours: 1 to 36500. */
  days?: number | undefined
  /** The kind of key. Default: `'ec-p256'`, which every client takes and which is quick to make and to use. */
  keyType?: KeyType | undefined
  /**
   * The signature's hash. Default: `'sha384'` where a key of `'ec-p384'` signs, else `'sha256'`. None where an `'ed25519'`
   * key signs, which has its own.
   */
  hash?: HashName | undefined
  /** The subject's organization, 1 to 64 characters. Default: none. */
  organization?: string | undefined
  /** Encrypts the key (PKCS#8, AES-256): 1 to 1024 bytes. Default: the key is not encrypted. */
  passphrase?: string | undefined
  /** Whether existing files are replaced. Default: false. */
  overwrite?: boolean | undefined
}

/** {@link CertOptions}, checked; `undefined` was not given. */
export interface CertSettings {
  readonly days: number | undefined
  readonly keyType: KeyType
  readonly hash: HashName | undefined
  readonly organization: string | undefined
  readonly passphrase: string | undefined
  readonly overwrite: boolean
}

/** The names of {@link CertOptions}, for those who have more. */
export const CERT_OPTIONS: Record<keyof CertOptions, true> = {
  days: true,
  keyType: true,
  hash: true,
  organization: true,
  passphrase: true,
  overwrite: true,
}

/**
 * The options by themselves, and the shared ones checked. Defaults are for `undefined` alone: null is a mistake.
 *
 * @param where whose options these are, for messages
 * @throws TypeError for an unknown option or a value of a wrong type, RangeError for one out of range
 */
export function readOptions<T extends CertOptions>(
  options: T,
  where: string,
  names: ReadonlySet<string>,
): readonly [own: T, settings: CertSettings] {
  const own = ownOptions(options, where, names)
  const { days, keyType = 'ec-p256', hash, overwrite = false } = own
  const settings = {
    days: days === undefined ? undefined : wholeDays('days', days),
    keyType: oneOf('keyType', keyType, KEY_TYPES),
    hash: hash === undefined ? undefined : oneOf('hash', hash, HASH_NAMES),
    organization: nameText('organization', own.organization),
    passphrase: checkPassphrase(own.passphrase),
    overwrite: flag('overwrite', overwrite),
  }
  return [own, settings]
}

export function wholeDays(option: string, days: unknown): number {
  if (typeof days !== 'number') throw new TypeError(`${option} must be a number, not ${typeof days}`)
  if (!Number.isInteger(days) || days < 1 || days > MAX_DAYS) {
    throw new RangeError(`${option} must be a whole number from 1 to ${MAX_DAYS}, not ${days}`)
  }
  return days
}

/** A part of a subject's name; `undefined`: none. */
export function nameText(option: string, text: unknown): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string') throw new TypeError(`${option} must be a string, not ${typeof text}`)
  const length = [...text].length
  if (length < 1 || length > MAX_NAME_PART) {
    throw new RangeError(`${option} must have 1 to ${MAX_NAME_PART} characters, not ${length}`)
  }
  if (/\p{Cc}|\p{Cs}/u.test(text)) throw new TypeError(`${option} has a control character or half a character in it`)
  return text
}

export function flag(option: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw new TypeError(`${option} must be true or false, not ${typeof value}`)
  return value
}

/** The passphrase itself is in no message. */
export function checkPassphrase(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new TypeError(`passphrase must be a string, not ${typeof value}`)
  const bytes = Buffer.byteLength(value)
  if (bytes < 1 || bytes > MAX_PASSPHRASE) {
    throw new RangeError(`passphrase must have 1 to ${MAX_PASSPHRASE} bytes, not ${bytes}`)
  }
  return value
}

function oneOf<T extends string>(option: string, value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) {
    throw new TypeError(
      `${option} must be one of ${known.map((name) => `'${name}'`).join(', ')}, not '${String(value)}'`,
    )
  }
  return found
}

/** ub-common-name and ub-organization-name of RFC 5280, appendix A.1. */
export const MAX_NAME_PART = 64
/** 100 years; more is a slip, and the year 9999 is the end of what a certificate can say. */
const MAX_DAYS = 36500
/** OpenSSL's own limit (`PEM_BUFSIZE`): what is longer cannot be read again. */
const MAX_PASSPHRASE = 1024
