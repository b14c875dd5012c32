/** Certificates of servers that matched their pins: the only anchors of later handshakes with those servers. */
import { X509Certificate } from 'node:crypto'
import { LruMap } from '../core/lru-map.ts'
import { toPem } from '../x509/pem.ts'
import type { Pins } from './pins.ts'

/** A certificate that matches a pin. */
export interface LearnedCertificate {
  /** Of the certificate, SHA-256. */
  readonly fingerprint: string
  /** For OpenSSL: a `TRUSTED CERTIFICATE`, trusted to be a server. */
  readonly pem: string
  /** Whether its key is RSA of less than 2048 bits, which OpenSSL's default security level refuses. */
  readonly hasOldKey: boolean
}

/** What one agent has learned about its server. A cluster behind one name presents several certificates by turns. */
export class LearnedCertificates {
  readonly #pins: Pins
  readonly #learned = new LruMap<string, LearnedCertificate>(MAX_LEARNED)

  constructor(pins: Pins) {
    this.#pins = pins
  }

  get current(): readonly LearnedCertificate[] {
    return [...this.#learned.values()]
  }

  /** Whether a certificate (DER) matches a pin. */
  match(der: Buffer): boolean {
    return this.#pins.match(der)
  }

  /** Adds a certificate (DER) that matches a pin. @returns whether it was not known yet */
  add(der: Buffer): boolean {
    if (!this.#pins.match(der)) return false
    const certificate = new X509Certificate(der)
    const { fingerprint256: fingerprint } = certificate
    if (this.#learned.get(fingerprint) !== undefined) return false
    const pem = toPem('TRUSTED CERTIFICATE', Buffer.concat([der, FOR_SERVERS]))
    this.#learned.set(fingerprint, { fingerprint, pem, hasOldKey: hasOldKey(certificate) })
    return true
  }
}

/** More than a cluster presents under one pin; a server that presents another one each time must not fill the memory. */
const MAX_LEARNED = 8

/**
 * OpenSSL's X509_CERT_AUX with the trust setting serverAuth: the purposes of a certificate (extendedKeyUsage, keyUsage, nsCertType)
 * do not count then. A pin says who the server is; devices often present a certificate that was made for something else.
 */
const FOR_SERVERS = Buffer.from('300c300a06082b06010505070301', 'hex')

function hasOldKey(certificate: X509Certificate): boolean {
  try {
    const { publicKey } = certificate
    // In this order: the details of some EC keys end a process of Node 22.
    return (
      publicKey.asymmetricKeyType?.startsWith('rsa') === true &&
      (publicKey.asymmetricKeyDetails?.modulusLength ?? 0) < 2048
    )
  } catch {
    // OpenSSL does not support every algorithm; the handshake fails again, with the error that says so.
    return false
  }
}
