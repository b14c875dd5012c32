/** Describes the content of a file without a usable certificate or key, since the wrong file is often named. */
import { SEQUENCE } from './der.ts'

/** The kind, to continue a sentence, and what helps. */
export interface ContentKind {
  readonly what: string
  /** For the content of a file, which commands call FILE. */
  readonly hints: readonly string[]
  /** For content that was given by value. */
  readonly valueHints: readonly string[]
}

const kind = (what: string, hint: string, valueHint = hint): ContentKind => ({
  what,
  hints: [hint],
  valueHints: [valueHint],
})

/** `undefined` if it is of no known kind. */
export function contentKind(content: Buffer): ContentKind | undefined {
  if (content.length === 0) return kind('the file is empty', 'write it again: it may have been cut short')
  const binary = binaryKind(content)
  if (binary) return binary
  const text = content.toString('latin1')
  if (text.trim() === '') return kind('there is nothing but white space', 'write it again: it may have been cut short')
  return jsonKind(text) ?? brokenPem(text) ?? textKind(text.trimStart())
}

function binaryKind(content: Buffer): ContentKind | undefined {
  const start = content.subarray(0, 6).toString('hex')
  if (/^(?:feedfeed|cececece)/.test(start)) {
    return kind(
      'it is a Java keystore (JKS)',
      'export its certificates: keytool -exportcert -rfc -keystore FILE -alias NAME > NEW.pem; keytool -list -keystore FILE shows the names',
      'export its certificates with keytool -exportcert -rfc, and give those',
    )
  }
  if (isPkcs12(content)) {
    return kind(
      'it is a PKCS#12 store, not a list of certificates',
      'extract its certificates: openssl pkcs12 -in FILE -nokeys -out NEW.pem',
      'extract its certificates with openssl pkcs12 -nokeys, and give those',
    )
  }
  const [, name, command] = ARCHIVES.find(([magic]) => magic.test(start)) ?? []
  if (name !== undefined)
    return kind(`it is ${name}`, `unpack it first: ${toNewFile(command ?? '')}`, 'unpack it first')
  if (content.toString('latin1', 257, 262) === 'ustar')
    return kind('it is an archive (tar)', `unpack it first: ${toNewFile('tar -xOf FILE')}`, 'unpack it first')
  return utf16Kind(content, start)
}

/** By the first bytes. */
const ARCHIVES: readonly (readonly [magic: RegExp, name: string, command: string])[] = [
  [/^1f8b/, 'compressed (gzip)', '{ tar -xOzf FILE || gzip -dc FILE; }'],
  [/^504b0304/, 'an archive (zip)', 'unzip -p FILE'],
  [/^fd377a585a00/, 'compressed (xz)', 'xz -dc FILE'],
  [/^425a68/, 'compressed (bzip2)', 'bzip2 -dc FILE'],
  [/^28b52ffd/, 'compressed (zstd)', 'zstd -dc FILE'],
]

/** With a byte-order mark, or by the zeros in every second byte. */
function utf16Kind(content: Buffer, start: string): ContentKind | undefined {
  const digits = content.toString('hex', 0, 32)
  const order = /^(?:feff|(?:00[0-7]\w){4})/.test(digits) ? 'be' : /^(?:fffe|(?:[0-7]\w00){4})/.test(digits) ? 'le' : ''
  if (order === '') return undefined
  const name = /^f[ef]f[ef]/.test(start) ? 'UTF-16' : `UTF-16${order.toUpperCase()}`
  return kind(
    `it is ${name} text`,
    `save it as UTF-8, or: ${toNewFile(`iconv -f ${name} -t UTF-8 FILE`)}`,
    `use new TextDecoder('utf-16${order}').decode(value)`,
  )
}

/** JSON with PEM in it: a text of it, or the value of a property. */
function jsonKind(text: string): ContentKind | undefined {
  if (!/^\s*[["{]/.test(text) || !text.includes('-----BEGIN ')) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  const path = pathToPem(value)
  if (path === undefined) return undefined
  const read = `JSON.parse(require('fs').readFileSync(process.argv[1]))${path}`
  return kind(
    'it is JSON with PEM in it',
    `take it out: ${toNewFile(`node -p "${read}" FILE`)}`,
    `use JSON.parse(value)${path}`,
  )
}

/** Such as `.ca[0].pem`, of names that are plain; the name of a property is its maker's. */
function pathToPem(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return value.includes('-----BEGIN ') ? path : undefined
  if (typeof value !== 'object' || value === null || path.length > MAX_PATH) return undefined
  for (const [name, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${name}]` : /^[a-z_]\w*$/i.test(name) ? `.${name}` : undefined
    const found = step === undefined ? undefined : pathToPem(inner, `${path}${step}`)
    if (found !== undefined) return found
  }
  return undefined
}

const MAX_PATH = 200

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
  if (/^\s*(["'])-----BEGIN [\s\S]*-----\s*\1/.test(text) && !text.includes('\\n')) {
    return kind(
      'it has quotes around it, which are part of it',
      `take them away: ${toNewFile(`tr -d "\\"'" < FILE`)}`,
      "use value.replace(/[\"']/g, '')",
    )
  }
  if (text.includes('\\n')) {
    const command = `awk '{ gsub(/\\\\n/, "\\n"); gsub(/["\\047]/, ""); sub(/^[^-]*-----BEGIN/, "-----BEGIN"); print }' FILE`
    const replace = "replace each by a real line break: value.replaceAll('\\\\n', '\\n')"
    const hints = [`make them line breaks: ${toNewFile(command)}`, `or ${replace}`]
    return { what: 'its line breaks are written as \\n', hints, valueHints: [replace] }
  }
  if (!/[\r\n]/.test(text)) {
    return kind('its line feeds are missing, or have become blanks', 'give the text with its lines')
  }
  if (!text.includes('\n')) {
    return kind(
      'its lines do not end with a line feed',
      `convert it: ${toNewFile("tr '\\r' '\\n' < FILE")}`,
      "use value.replaceAll('\\r', '\\n')",
    )
  }
  const [, label] = /^-----BEGIN ([A-Z0-9 ]{1,40})-----\s*$/m.exec(text) ?? []
  // The lines are right, and hold something else than what is looked for.
  if (label !== undefined) return { what: `it holds "${label}" only`, hints: [], valueHints: [] }
  if (/^[ \t]+-----BEGIN /m.test(text)) {
    return kind(
      'its lines are indented',
      `take that away: ${toNewFile("sed 's/^[[:blank:]]*//' FILE")}`,
      "use value.replace(/^[ \\t]+/gm, '')",
    )
  }
  return kind('something stands before "-----BEGIN" on its line', 'the dashes must be the first characters of the line')
}

function textKind(text: string): ContentKind | undefined {
  const decode = `decode it: ${toNewFile('base64 -d FILE')}`
  const fromBase64 = "use Buffer.from(String(value), 'base64')"
  if (isBase64Pem(text)) return kind('it is the base64 encoding of PEM text', decode, fromBase64)
  if (/^MI[IGH][A-Za-z0-9+/]/.test(text))
    return kind('it is base64 without the lines -----BEGIN …----- and -----END …-----', decode, fromBase64)
  if (/[\u2010-\u2015\u2212]\s*BEGIN /.test(Buffer.from(text, 'latin1').toString()))
    return kind(
      'its dashes are not those of PEM, but longer ones',
      'get the file again: a word processor or a web page has replaced them',
    )
  if (/^\s*(?:client-certificate|certificate-authority|client-key)-data:/m.test(text)) {
    return kind(
      'it is a kubeconfig, with certificates in base64',
      "extract the CA: kubectl config view --kubeconfig FILE --raw --minify -o jsonpath='{.clusters[0].cluster.certificate-authority-data}' | base64 -d > NEW.pem",
      "take the text of certificate-authority-data out of it: Buffer.from(text, 'base64')",
    )
  }
  if (/LS0tLS1CRUdJTi/.test(text)) {
    return kind(
      'there is base64 of PEM text in it',
      `take it out: ${toNewFile("grep -o 'LS0tLS1CRUdJTi[A-Za-z0-9+/=]*' FILE | head -n 1 | base64 -d")}`,
      "take that text out, and use Buffer.from(text, 'base64')",
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
