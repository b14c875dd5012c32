/** What the content of a file is that holds no usable certificate or key: people often name the wrong one of several. */
import { SEQUENCE } from './der.ts'

/** The kind, to continue a sentence, and what helps. */
export interface ContentKind {
  readonly what: string
  readonly hints: readonly string[]
}

const kind = (what: string, ...hints: string[]): ContentKind => ({ what, hints })

/** `undefined` if it is of no known kind. */
export function contentKind(content: Buffer): ContentKind | undefined {
  if (content.length === 0) return kind('the file is empty', 'write it again: it may have been cut short')
  const binary = binaryKind(content)
  if (binary) return binary
  const text = content.toString('latin1')
  if (text.trim() === '') return kind('there is nothing but white space', 'write it again: it may have been cut short')
  return brokenPem(text) ?? textKind(text.trimStart())
}

function binaryKind(content: Buffer): ContentKind | undefined {
  const start = content.subarray(0, 4).toString('hex')
  if (start === 'feedfeed' || start === 'cececece') {
    return kind(
      'it is a Java keystore (JKS)',
      'export its certificates: keytool -exportcert -rfc -keystore FILE -alias NAME > NEW.pem; keytool -list -keystore FILE shows the names',
    )
  }
  if (isPkcs12(content)) {
    return kind(
      'the file is a PKCS#12 store, not a list of certificates',
      'extract its certificates: openssl pkcs12 -in FILE -nokeys -out NEW.pem',
    )
  }
  if (start.startsWith('1f8b') || start.startsWith('504b0304')) return kind('it is compressed', 'unpack it first')
  if (/^(?:fffe|feff|2d002d00|002d002d)/.test(start)) {
    return kind('it is UTF-16 text', `save it as UTF-8, or: ${toNewFile('iconv -f UTF-16 -t UTF-8 FILE')}`)
  }
  return undefined
}

/** A command whose output may be a key: into a file that its owner alone can read, and that must not exist yet. */
const toNewFile = (command: string): string => `(umask 077; set -C; ${command} > NEW)`

/** PFX (RFC 7292, section 4): a SEQUENCE, of definite length or not (BER), that begins with the INTEGER 3. */
export function isPkcs12(content: Buffer): boolean {
  if (content[0] !== SEQUENCE) return false
  const first = content[1] ?? 0
  const start = 2 + (first > 0x80 ? first & 0x7f : 0)
  return content.subarray(start, start + 3).equals(PFX_VERSION)
}

const PFX_VERSION = Buffer.from('020103', 'hex')

/** PEM that only a person can read. */
function brokenPem(text: string): ContentKind | undefined {
  if (!text.includes('-----BEGIN ')) return undefined
  if (text.includes('\\n'))
    return kind(
      'its line breaks are written as \\n',
      "replace each by a real line break: value.replaceAll('\\\\n', '\\n')",
    )
  if (!/[\r\n]/.test(text)) {
    return kind('its line feeds are missing, or have become blanks', 'give the text with its lines')
  }
  if (!text.includes('\n')) {
    return kind('its lines do not end with a line feed', `convert it: ${toNewFile("tr '\\r' '\\n' < FILE")}`)
  }
  const [, label] = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\s*$/m.exec(text) ?? []
  // The lines are right, and hold something else than what is looked for.
  if (label !== undefined) return kind(`it holds "${label}" only`)
  return kind('something stands before "-----BEGIN" on its line', 'the dashes must be the first characters of the line')
}

function textKind(text: string): ContentKind | undefined {
  if (isBase64Pem(text))
    return kind('it is the base64 encoding of PEM text', `decode it: ${toNewFile('base64 -d FILE')}`)
  if (/^MI[IG][A-Za-z0-9+/]/.test(text))
    return kind(
      'it is base64 without the lines -----BEGIN CERTIFICATE----- and -----END CERTIFICATE-----',
      `decode it: ${toNewFile('base64 -d FILE')}`,
    )
  if (/^\s*(?:client-certificate|certificate-authority|client-key)-data:/m.test(text)) {
    return kind(
      'it is a kubeconfig, with certificates in base64',
      "extract the CA: kubectl config view --kubeconfig FILE --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d > NEW.pem",
    )
  }
  if (/^(?:<!doctype|<html|<\?xml)/i.test(text))
    return kind(
      'it is a web page or XML',
      'download the certificate itself: the link may have led to a page for signing in',
    )
  if (text.startsWith('version https://git-lfs.'))
    return kind('it is a pointer of Git LFS', 'get the file: git lfs pull')
  if (/^(?:ssh-|ecdsa-sha2-)/.test(text)) return kind('it is a public key of SSH', 'name a certificate (X.509) instead')
  if (/^PuTTY-User-Key-File/.test(text)) return kind('it is a key of PuTTY', 'name a certificate (X.509) instead')
  return undefined
}

/** Whether a text is base64 of PEM, as in environment variables, secrets of Kubernetes and kubeconfig files. */
export function isBase64Pem(text: string): boolean {
  return /^\s*LS0tLS1CRUdJTi/.test(text)
}
