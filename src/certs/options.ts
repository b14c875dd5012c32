/** Checks the options that all kinds of certificates share. */
import { displayName } from '../core/credentials.ts'
import { checkFlag, ownOptions } from '../core/options.ts'
import { HASH_NAMES, type HashName, KEY_TYPES, type KeyType } from './keys.ts'

/** Options of all functions that create certificates; `undefined` selects the default. */
export interface CertOptions {
  /** How long the certificate is valid from now, in days of 24 hours: 1 to 36500. */
  days?: number | undefined
  /** The type of key. Default: `'ec-p256'`, which every client accepts, and which is fast. */
  keyType?: KeyType | undefined
  /**
   * The hash of the signature. Default: `'sha384'` if a key of `'ec-p384'` signs, else `'sha256'`. Not allowed if a key of
   * `'ed25519'` signs, which has its own.
   */
  hash?: HashName | undefined
  /** The subject's organization, 1 to 64 characters. Default: none. */
  organization?: string | undefined
  /** Encrypts the key (PKCS#8, AES-256): 1 to 1024 bytes. Default: the key is not encrypted. */
  passphrase?: string | undefined
  /** Whether existing files are replaced. Default: false. */
  overwrite?: boolean | undefined
}

/** {@link CertOptions}, checked; `undefined`: not given. */
export interface CertSettings {
  readonly days: number | undefined
  readonly keyType: KeyType
  readonly hash: HashName | undefined
  readonly organization: string | undefined
  readonly passphrase: string | undefined
  readonly overwrite: boolean
}

/** The names of {@link CertOptions}, for functions that have more. */
export const CERT_OPTIONS: Record<keyof CertOptions, true> = {
  days: true,
  keyType: true,
  hash: true,
  organization: true,
  passphrase: true,
  overwrite: true,
}

/**
 * The options of a call, and the shared ones checked. Only `undefined` selects a default: null is an error.
 *
 * @param where the function that has these options, for messages
 * @throws TypeError for an unknown option or a value of a wrong type, RangeError for a value out of range
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
    overwrite: requireFlag('overwrite', overwrite),
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

/** A part of a subject's name; `undefined` for `undefined`. */
export function nameText(option: string, text: unknown): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string') throw new TypeError(`${option} must be a string, not ${typeof text}`)
  const length = [...text].length
  if (length < 1 || length > MAX_NAME_CHARACTERS) {
    throw new RangeError(`${option} must have 1 to ${MAX_NAME_CHARACTERS} characters, not ${length}`)
  }
  if (/\p{Cc}|\p{Cs}/u.test(text)) throw new TypeError(`${option} has a control character or half a character in it`)
  return text
}

/** A boolean, and neither null nor undefined. @throws TypeError for another value */
export function requireFlag(option: string, value: unknown): boolean {
  const flag = checkFlag(option, value)
  if (flag === undefined) throw new TypeError(`${option} must be a boolean, not ${value}`)
  return flag
}

/** Messages never contain the passphrase itself. */
export function checkPassphrase(value: unknown): string | undefined {
  if (value === undefined) return undefined
  if (typeof value !== 'string') throw new TypeError(`passphrase must be a string, not ${typeof value}`)
  const bytes = Buffer.byteLength(value)
  if (bytes < 1 || bytes > MAX_PASSPHRASE_BYTES) {
    throw new RangeError(`passphrase must have 1 to ${MAX_PASSPHRASE_BYTES} bytes, not ${bytes}`)
  }
  return value
}

function oneOf<T extends string>(option: string, value: unknown, known: readonly T[]): T {
  const found = known.find((name) => name === value)
  if (found === undefined) {
    const names = known.map((name) => `'${name}'`).join(', ')
    const given = typeof value === 'string' ? `'${displayName(value)}'` : typeof value
    throw new TypeError(`${option} must be one of ${names}, not ${given}`)
  }
  return found
}

/** ub-common-name and ub-organization-name of RFC 5280, appendix A.1. */
export const MAX_NAME_CHARACTERS = 64
/** 100 years; more is a mistake, and a certificate cannot express a year after 9999. */
const MAX_DAYS = 36500
/** OpenSSL's own limit (`PEM_BUFSIZE`): it cannot read a longer passphrase again. */
const MAX_PASSPHRASE_BYTES = 1024
