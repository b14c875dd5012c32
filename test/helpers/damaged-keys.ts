/** Private keys in the forms in which they reach options by mistake: each is to be refused without being repeated. */
import { createPrivateKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/** A private key, and how to find a part of it in a text. */
export interface MarkedKey {
  readonly pem: string
  readonly der: Buffer
  /** Whether 16 characters in a row of the key, in any form, are in the text, in whatever case: a parser of URLs lowercases hosts. */
  isIn(text: string): boolean
}

export function markKey(key: KeyObject, pem = key.export({ type: 'pkcs8', format: 'pem' }).toString()): MarkedKey {
  const der = Buffer.from(pem.replace(/-----.*-----|\s/g, ''), 'base64')
  const forms = DAMAGED.map(([, damage]) => damage(pem, der))
  // The first characters of keys are those of every key of the kind.
  const marks = new Set<string>()
  for (const form of [...forms, Array.from(der, hex).join(' ')]) {
    // Labels are no secret.
    const compact = form
      .replace(/[-—]*(?:BEGIN|END)?[ X]*(?:[A-Z]+ )?PRIVATE KEY[-—]*/g, '\0'.repeat(WINDOW))
      .toLowerCase()
    for (let at = Math.min(40, compact.length >> 1); at + WINDOW <= compact.length; at += 1) {
      const mark = compact.slice(at, at + WINDOW)
      if (!mark.includes('\0')) marks.add(mark)
    }
  }
  const isIn = (given: string) => {
    const text = given.toLowerCase()
    for (let at = 0; at + WINDOW <= text.length; at++) if (marks.has(text.slice(at, at + WINDOW))) return true
    return false
  }
  return { pem, der, isIn }
}

const WINDOW = 16

const hex = (byte: number) => byte.toString(16).padStart(2, '0')

/** What becomes of a key in environment variables, secret stores, JSON and shells. */
export const DAMAGED: readonly (readonly [form: string, damage: (pem: string, der: Buffer) => string])[] = [
  ['base64 of PEM', (pem) => Buffer.from(pem).toString('base64')],
  ['base64 of PEM, in lines', (pem) => Buffer.from(pem).toString('base64').replace(/.{76}/g, '$&\n')],
  ['base64url of PEM', (pem) => Buffer.from(pem).toString('base64url')],
  ['base64 of base64 of PEM', (pem) => Buffer.from(Buffer.from(pem).toString('base64')).toString('base64')],
  ['base64 of PEM, cut short', (pem) => Buffer.from(pem).toString('base64').slice(0, 101)],
  ['base64 of PEM, without its beginning', (pem) => Buffer.from(pem).toString('base64').slice(41)],
  ['DER in base64', (_, der) => der.toString('base64')],
  ['DER in base64, in lines', (_, der) => der.toString('base64').replace(/.{64}/g, '$&\n')],
  ['DER in base64, cut short', (_, der) => der.toString('base64').slice(0, 60)],
  ['DER in base64, without its beginning', (_, der) => der.toString('base64').slice(13)],
  ['DER in hexadecimal digits', (_, der) => der.toString('hex')],
  ['DER in hexadecimal digits with colons', (_, der) => (der.toString('hex').match(/../g) ?? []).join(':')],
  ['DER in capital hexadecimal digits', (_, der) => der.toString('hex').toUpperCase()],
  ['DER as String(bytes)', (_, der) => String(new Uint8Array(der))],
  ['DER as bytes of C', (_, der) => Array.from(der, (byte) => `0x${hex(byte)}`).join(', ')],
  ['DER as escapes', (_, der) => Array.from(der, (byte) => `\\x${hex(byte)}`).join('')],
  ['DER as octal escapes', (_, der) => Array.from(der, (byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('')],
  ['DER as a Buffer in JSON', (_, der) => JSON.stringify(der)],
  ['PEM in hexadecimal digits', (pem) => Buffer.from(pem).toString('hex')],
  ['DER as a text', (_, der) => der.toString('latin1')],
  ['DER as UTF-8', (_, der) => der.toString('utf8')],
  ['PEM with blanks for line feeds', (pem) => pem.replaceAll('\n', ' ')],
  ['PEM without line feeds', (pem) => pem.replaceAll('\n', '')],
  ['PEM with \\n for line feeds', (pem) => pem.replaceAll('\n', '\\n')],
  ['PEM with \\r\\n for line feeds', (pem) => pem.replaceAll('\n', '\\r\\n')],
  ['PEM with CR for line feeds', (pem) => pem.replaceAll('\n', '\r')],
  ['PEM with commas for line feeds', (pem) => pem.replaceAll('\n', ',')],
  ['PEM as a JSON string', (pem) => JSON.stringify(pem)],
  ['PEM as JSON twice', (pem) => JSON.stringify(JSON.stringify(pem))],
  ['PEM in quotes', (pem) => `'${pem}'`],
  ['PEM, cut short', (pem) => pem.slice(0, 110)],
  ['PEM without its first line', (pem) => pem.replace(/^.*\n/, '')],
  ['PEM without its first and last line', (pem) => pem.replace(/-----.*-----\n?/g, '')],
  ['PEM without "-----BEGIN"', (pem) => pem.replace('-----BEGIN ', '')],
  ['PEM without dashes', (pem) => pem.replaceAll('-----', '')],
  ['PEM with em dashes', (pem) => pem.replaceAll('-----', '—————')],
  ['PEM behind a name', (pem) => `KEY=${pem}`],
  ['percent-encoded PEM', (pem) => encodeURIComponent(pem)],
  ['a data: URL', (pem) => `data:application/x-pem-file;base64,${Buffer.from(pem).toString('base64')}`],
  ['PEM in UTF-16', (pem) => Buffer.from(pem, 'utf16le').toString('latin1')],
  ['PEM with another end', (pem) => pem.replace('-----END ', '-----END X')],
  ['PEM whose last line was joined', (pem) => pem.replace(/\n(-----END)/, '$1')],
  ['PEM whose first line was joined', (pem) => pem.replace(/(-----)\n/, '$1')],
]

const generate = (): readonly (readonly [kind: string, key: MarkedKey])[] => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  const ed = generateKeyPairSync('ed25519').privateKey
  const encrypted = ec.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString()
  return [
    ['RSA', markKey(rsa)],
    ['RSA in PKCS#1', markKey(rsa, rsa.export({ type: 'pkcs1', format: 'pem' }).toString())],
    ['EC', markKey(ec)],
    ['EC in SEC1', markKey(ec, ec.export({ type: 'sec1', format: 'pem' }).toString())],
    ['Ed25519', markKey(ed)],
    ['encrypted', markKey(createPrivateKey({ key: encrypted, passphrase: 'x' }), encrypted)],
  ]
}

export const KEYS = generate()
