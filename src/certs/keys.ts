/** Creates key pairs for certificates. */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { ownProperties } from '../core/options.ts'

/** The type of a certificate's key. */
export type KeyType = 'ec-p256' | 'ec-p384' | 'rsa-2048' | 'rsa-3072' | 'rsa-4096' | 'ed25519'

/** The hash of a certificate's signature. */
export type HashName = 'sha256' | 'sha384' | 'sha512'

/** Every {@link KeyType}. */
export const KEY_TYPES: readonly KeyType[] = ['ec-p256', 'ec-p384', 'rsa-2048', 'rsa-3072', 'rsa-4096', 'ed25519']

/** Every {@link HashName}. */
export const HASH_NAMES: readonly HashName[] = ['sha256', 'sha384', 'sha512']

/** A public key and its private key. */
export interface KeyPair {
  publicKey: KeyObject
  privateKey: KeyObject
}

/** Makes a new key pair, off the main thread: RSA may take seconds. */
export async function createKeyPair(keyType: KeyType): Promise<KeyPair> {
  if (keyType === 'ed25519') return generate('ed25519', {})
  if (keyType === 'ec-p256') return generate('ec', { namedCurve: 'P-256' })
  if (keyType === 'ec-p384') return generate('ec', { namedCurve: 'P-384' })
  return generate('rsa', { modulusLength: Number(keyType.slice('rsa-'.length)) })
}

/** The private key as PKCS#8 PEM, which every server reads; encrypted if there is a passphrase. */
export function privateKeyPem(privateKey: KeyObject, passphrase?: string): string {
  const secret = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase }
  return privateKey.export(ownProperties({ type: 'pkcs8', format: 'pem', ...secret })).toString()
}

const generate = promisify(generateKeyPair)
