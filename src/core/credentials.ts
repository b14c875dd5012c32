/** The user and password in a URL: how they are read, and how messages omit them. */
import { type KeyMaterial, keyIn, keyMaterialIn } from './key-material.ts'
import { printable } from './printable.ts'

/**
 * The user and password of a URL, decoded, for Basic authentication; `undefined` if it has none.
 *
 * A user alone comes with an empty password: a `URL` cannot tell `user@` from `user:@`, where requests takes the
 * second only.
 */
export function getUrlAuth(url: URL): [user: string, password: string] | undefined {
  if (url.username === '' && url.password === '') return undefined
  return [unquote(url.username), unquote(url.password)]
}

/** The URL without user and password; the same object if it has none. */
export function withoutAuth(url: URL): URL {
  if (url.username === '' && url.password === '') return url
  const bare = new URL(url)
  bare.username = ''
  bare.password = ''
  return bare
}

/**
 * A URL for messages and logs: without user and password, safe to print. In a text that is no URL, everything up to the
 * last `@` may be a password and is written `***@`.
 */
export function redactUrl(url: string | URL): string {
  if (typeof url === 'string' && !/^\s*[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    const material = keyMaterialIn(url)
    if (material) return withheld(url, material)
  }
  if (typeof url === 'string' && hasKeyAsHost(url))
    return `${/^\s*[a-z][a-z0-9+.-]{0,20}:\/+/i.exec(url)?.[0].trim() ?? ''}***`
  // 'ada:secret@host' is a URL of the scheme 'ada:'.
  if (typeof url !== 'string' && url.host === '') return redactUrl(url.href)
  const text = typeof url === 'string' ? url : withoutAuth(url).href
  const bare = AT.test(text) ? withoutNestedUserinfo(withoutUserinfo(text)) : text
  return printable(bare.replace(NO_PORT, '$1***').replace(KEY_IN_URL, '***'), MAX_URL)
}

/** Hides the userinfo of URLs in the path, in parameters of the query, and in the fragment: encoded, even twice, or not. */
function withoutNestedUserinfo(url: string): string {
  const start = url.search(/[?#]/) + 1
  if (start === 0) return withoutPathUserinfo(url)
  const parameters = url.slice(start).split('&')
  return withoutPathUserinfo(url.slice(0, start)) + parameters.map(withoutParameterUserinfo).join('&')
}

function withoutPathUserinfo(url: string): string {
  const [upToAt = ''] = UP_TO_LAST_AT.exec(url) ?? []
  const [scheme = ''] = /^\s*[a-z][a-z0-9+.-]*:[\\/\s]*/i.exec(upToAt) ?? []
  const inner = INNER_SCHEME.exec(upToAt.slice(scheme.length))
  if (inner === null) return url
  return `${url.slice(0, scheme.length + inner.index + inner[0].length)}***@${url.slice(upToAt.length)}`
}

/** A colon and slashes, perhaps percent-encoded: behind a scheme. */
const INNER_SCHEME = /(?::|%(?:25)*3a)(?:[\\/]|%(?:25)*(?:2f|5c))+/i

function withoutParameterUserinfo(parameter: string): string {
  const [name = ''] = /^[^=:@]*=/.exec(parameter) ?? []
  const [userinfo = ''] = UP_TO_LAST_AT.exec(parameter.slice(name.length)) ?? []
  return /:|%(?:25)*3a/i.test(userinfo) ? `${name}***@${parameter.slice(name.length + userinfo.length)}` : parameter
}

/** For messages: the problem with a host that may be a key, and how to write a name that looks like one. */
export const KEY_AS_HOST =
  'the host may be a key (write the name of a host in lower case; between its dots are at most 63 characters)'

/**
 * Whether the host of a URL is a key that was given by mistake, or the beginning of one. Takes the text as it was given: a URL parser
 * lowercases hosts, and a key in lower case is not recognised.
 */
export function hasKeyAsHost(url: string): boolean {
  const [, scheme, given = ''] = /^\s*([a-z][a-z0-9+.-]*:[\\/]+)?(?:[^\\/?#]*@)?([^?#]*)/i.exec(url) ?? []
  const [host = ''] = /^[^\\/:]*/.exec(given) ?? []
  // Without a scheme, a slash may be part of a key; behind a host it begins a path, in which long random words are no keys. No key has dots,
  // and the labels of a name in mixed case, such as WIN-3K5PLQ8JH2A.Corp.Example.Com, are random only together.
  const parts = scheme === undefined && !given.includes('.') ? [host, given] : host.split('.')
  return KEY_AT_START.test(given) || parts.some((part) => HEX_KEY.test(part) || keyIn(part) !== undefined)
}

/** 32 bytes or more in hex: longer than a label of a name may be (RFC 1035, section 2.3.4). */
const HEX_KEY = /^(?=.*\d)(?=.*[a-f])[\da-f]{64,}$/i

/** The value of an option for messages: a text as by {@link displayName}, in quotes; an object or function without its content. */
export function displayValue(value: unknown): string {
  if (typeof value === 'string') return `'${displayName(value)}'`
  if (value instanceof URL) return redactUrl(value)
  if (typeof value === 'function') return '[Function]'
  if (typeof value === 'symbol') return 'a symbol'
  if (typeof value !== 'object' || value === null) return String(value)
  const name: unknown = value.constructor?.name
  return `[${typeof name === 'string' && name !== '' ? displayName(name) : 'Object'}]`
}

/**
 * The name of a file or another source, as the user wrote it, for messages: safe to print. A path may contain an `@`; if a
 * colon stands before it, the text may be a URL, with or without its scheme, and everything up to the `@` is hidden. What
 * may be a key is withheld, and said what it is.
 */
export function displayName(source: string): string {
  const material = keyMaterialIn(source)
  if (material) return withheld(source, material)
  return mayHaveCredentials(source) ? redactUrl(source) : printable(source)
}

/** Whether a path or another text may contain a password or a key, so that {@link displayName} hides it. */
export function mayBeSecret(source: string): boolean {
  return mayHaveCredentials(source) || keyMaterialIn(source) !== undefined
}

/** An `@` behind a colon, perhaps percent-encoded, or a URL's port that is none. */
function mayHaveCredentials(source: string): boolean {
  const drive = process.platform === 'win32' ? (/^[A-Z]:[\\/]/i.exec(source)?.[0] ?? '') : ''
  return CREDENTIALS.test(source.slice(drive.length)) || NO_PORT.test(source)
}

/** What stands for a key that was given as a path or a name. */
function withheld(text: string, { what }: KeyMaterial): string {
  return `*** (${what}, ${text.length} characters)`
}

/** Text in place of a port: a password without its `@`. As a path, a URL is behind the working directory and has one slash. */
const NO_PORT =
  /((?:^|[\s\\/])[a-z][a-z0-9+.-]+:[\\/]{1,2}(?:\[[^\]\\/]*\]|[^:[\\/?#]*):)(?!\d{0,5}(?:[\\/?#]|$))[^\\/?#]*/i

/** PEM, base64 of PEM, base64 of DER (with a length of two or more bytes, or a short PKCS#8 or SEC1), and bytes as a program writes them (`0x30`, `\x30`, `\060`). */
const KEY_IN_URL =
  /(?:-----BEGIN|LS0tLS1(?:CRUdJTi|FTkQ)|M(?:I[CEGHIJK]|[A-H][A-Za-z0-9]CAQ[AE])[A-Za-z0-9+/%]{28}|(?:(?:0[xX]|\\[xX]|\\)[0-9a-fA-F]{1,3}[\s,;]*){16}).*/s

const KEY_AT_START = new RegExp(`^${KEY_IN_URL.source}`)

function withoutUserinfo(url: string): string {
  const parsed = /^\s*[a-z][a-z0-9+.-]*:[\\/]{2}/i.test(url) ? URL.parse(url) : null
  if (parsed) {
    const bare = url.replace(/^(\s*[a-z][a-z0-9+.-]*:[\\/\t\r\n]*)[^\\/?#]*@/i, '$1')
    // In other schemes than http a backslash is a character of the password, and a URL without a host is probably mistyped.
    const rest = URL.parse(bare)
    const isWhole = rest && (rest.host !== '' || rest.protocol === 'file:')
    if (isWhole && getUrlAuth(rest) === undefined) return bare
  }
  return url.replace(UP_TO_LAST_AT, '$1***@')
}

/** An `@`, perhaps percent-encoded, or a character that an input method writes in its place. */
const AT = /(?:[@\uff20\ufe6b]|%(?:25)*(?:40|ef%(?:25)*bc%(?:25)*a0))/i

const UP_TO_LAST_AT = new RegExp(`^(\\s*[a-z][a-z0-9+.-]*:[\\\\/]+)?.*${AT.source}`, 'is')

/** A colon and, behind it, an `@`. */
const CREDENTIALS = new RegExp(`(?::|%(?:25)*3a).*${AT.source}`, 'is')

/** URLs are longer than names; what is cut off is of no help in a message. */
const MAX_URL = 2048

/** Python's `unquote`: what is not a valid escape stays, what is not UTF-8 becomes U+FFFD. */
function unquote(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (run) => Buffer.from(run.replaceAll('%', ''), 'hex').toString())
}

/** The value of a header for messages and logs: `***` if it may be a credential, else without user and password of URLs in it. */
export function displayHeader(name: string, value: string): string {
  if (SECRET_HEADER.test(name) || CREDENTIALS_SCHEME.test(value)) return '***'
  return value.replace(URL_IN_TEXT, redactUrl)
}

/** How credentials begin, in whatever header they are. */
const CREDENTIALS_SCHEME = /^\s*(?:basic|bearer|digest|negotiate|ntlm|token)\s+\S/i

const URL_IN_TEXT = /[a-z][a-z0-9+.-]*:\/\/[^\s"'<>]+/gi

/** Headers whose values may be credentials, by their names: `X-Api-Key`, `X-Auth-Token`, `Set-Cookie` … */
const SECRET_HEADER =
  /auth|cookie|token|secret|pass(?:word|wd|phrase)?$|^pass|passw|credential|session|signature|csrf|xsrf|jwt|bearer|(?:^|[-_.])(?:[a-z]*key|pin|otp|sid|sig|pwd)(?:$|[-_.])|apikey/i
