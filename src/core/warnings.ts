/** Warnings, emitted with `process.emitWarning`: once per subject, to keep logs readable. */
import { displayName } from './credentials.ts'
import { LruMap } from './lru-map.ts'
import { printable } from './printable.ts'
import { shellPath } from './shell.ts'

export type WarningName = (typeof NAMES)[number]

/**
 * Disables one kind of warning, or all of them, for the whole process.
 *
 * @example
 * disableWarnings('InsecureRequestWarning') // in the setup of a test suite
 */
export function disableWarnings(name?: WarningName): void {
  if (name !== undefined && !NAMES.includes(name)) {
    throw new TypeError(`there is no warning '${displayName(String(name))}': there are ${NAMES.join(', ')}`)
  }
  for (const each of name === undefined ? NAMES : [name]) disabled.add(each)
}

/** An https request is sent without verification: once per host. */
export function warnInsecure(host: string): void {
  warn('InsecureRequestWarning', [host], () => [
    `Unverified HTTPS request is being made to host '${host}': it can be read and changed in transit`,
    "name the server's certificate or CA instead: verify: 'FILE.pem'",
  ])
}

/** The environment overrides `session.verify`, as in requests (psf/requests#3829): once per pair. */
export function warnPrecedence(variable: string, path: string, sessionVerify: string): void {
  warn('TrustPrecedenceWarning', [variable, path, sessionVerify], () => [
    `${variable}=${displayName(path)} overrides session.verify (${sessionVerify}), as in Python requests`,
    'to override the variable, pass verify with the call, or set trustEnv: false on the session',
  ])
}

/** A netrc file exists but cannot be used: once per file and problem. */
export function warnNetrc(path: string, problem: string): void {
  warn('NetrcWarning', [path, problem], () => [
    `the netrc file ${displayName(path)} is ignored, because it cannot be used: ${problem}`,
    'correct the file, or set trustEnv: false on the session, which ignores netrc files',
  ])
}

/** A certificate expires soon: once per certificate. */
export function warnExpiry(what: string, end: Date, fingerprint: string): void {
  warn('CertificateExpiryWarning', [fingerprint], () => {
    const days = Math.floor((end.getTime() - Date.now()) / DAY_MS)
    const left = days < 1 ? 'in less than a day' : days === 1 ? 'in 1 day' : `in ${days} days`
    return [
      `the certificate ${what} expires ${left}, ${end.toISOString()}: connections fail from then on`,
      `renew it before then (SHA-256 ${fingerprint}); expiryWarning: DAYS | false sets when this warning is given`,
    ]
  })
}

/** Users other than its owner can read a private key: once per file and mode. */
export function warnKeyPermissions(path: string, mode: number): void {
  const octal = mode.toString(8).padStart(4, '0')
  const name = displayName(path)
  warn('KeyPermissionsWarning', [path, octal], () => [
    `the private key ${name} can be read by users other than its owner (mode ${octal})`,
    `restrict it: chmod 600 ${shellPath(path) ?? 'FILE'}; if it may have been read, create a new pair`,
  ])
}

/** A server cannot load the new certificate on disk: once per file and problem. */
export function warnReload(path: string, problem: string): void {
  warn('CertificateReloadWarning', [path, problem], () => [
    `the server keeps its current certificate, because the one in ${displayName(path)} cannot be loaded: ${problem}`,
    'correct the files: they are checked again periodically',
  ])
}

/** Once per function and message. @param listener its name */
export function warnListener(listener: string, error: unknown): void {
  const problem = printable(error instanceof Error ? error.message : String(error))
  warn('CertificateReloadWarning', [listener, problem], () => [
    `${listener} threw: ${problem}`,
    'the watch goes on: handle errors in the function itself',
  ])
}

const NAMES = [
  'InsecureRequestWarning',
  'TrustPrecedenceWarning',
  'CertificateExpiryWarning',
  'NetrcWarning',
  'KeyPermissionsWarning',
  'CertificateReloadWarning',
] as const
const disabled = new Set<WarningName>()

const DAY_MS = 86_400_000

/** Bounded, for crawlers that visit millions of hosts. */
const warned = new LruMap<string, true>(10_000)

function warn(name: WarningName, subject: readonly string[], describe: () => [message: string, detail: string]): void {
  const key = JSON.stringify([name, ...subject])
  if (disabled.has(name) || warned.get(key)) return
  warned.set(key, true)
  const [message, detail] = describe()
  process.emitWarning(message, { type: name, code: `VOUCH_${name}`, detail })
}
