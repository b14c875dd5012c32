/** Warnings, through `process.emitWarning`: once for each subject, so that a log stays readable. */
import { LruMap } from './lru-map.ts'

export type WarningName = (typeof NAMES)[number]

/**
 * Silences one kind of warning, or all of them, for the whole process.
 *
 * @example
 * disableWarnings('InsecureRequestWarning') // in the set-up of a test suite
 */
export function disableWarnings(name?: WarningName): void {
  if (name !== undefined && !NAMES.includes(name)) {
    throw new TypeError(`there is no warning '${name}': there are ${NAMES.join(', ')}`)
  }
  for (const each of name === undefined ? NAMES : [name]) disabled.add(each)
}

/** An https request to `host` goes out without verification: once per host. */
export function warnInsecure(host: string): void {
  warn('InsecureRequestWarning', host, () => [
    `Unverified HTTPS request is being made to host '${host}': anyone on the way can read and change it`,
    "name the server's certificate or CA instead: verify: 'FILE.pem'",
  ])
}

/** The environment replaces a `session.verify` that was set, as in requests (psf/requests#3829): once per pair. */
export function warnPrecedence(variable: string, path: string, sessionVerify: string): void {
  warn('TrustPrecedenceWarning', `${variable}=${path} ${sessionVerify}`, () => [
    `${variable}=${path} overrides session.verify (${sessionVerify}), as in Python requests`,
    'to decide yourself pass verify with the call, or set trustEnv: false on the session',
  ])
}

/** A netrc file is there but cannot be used: once per file and problem. */
export function warnNetrc(path: string, problem: string): void {
  warn('NetrcWarning', `${path} ${problem}`, () => [
    `the netrc file ${path} cannot be used, so nobody's credentials come from it: ${problem}`,
    'mend it, or set trustEnv: false on the session to leave it alone',
  ])
}

/** A certificate ends soon: once for each. */
export function warnExpiry(what: string, end: Date, fingerprint: string): void {
  warn('CertificateExpiryWarning', fingerprint, () => {
    const days = Math.floor((end.getTime() - Date.now()) / 86_400_000)
    const left = days < 1 ? 'in less than a day' : days === 1 ? 'in 1 day' : `in ${days} days`
    return [
      `the certificate ${what} ends ${left}, ${end.toISOString()}: connections fail from then on`,
      `have it renewed in time (SHA-256 ${fingerprint}); expiryWarning: DAYS | false sets when this is said`,
    ]
  })
}

/** Others than the owner of a private key can read it: once per file and mode. */
export function warnKeyPermissions(path: string, mode: number): void {
  const shown = mode.toString(8).padStart(4, '0')
  warn('KeyPermissionsWarning', `${path} ${shown}`, () => [
    `the private key ${path} can be read by others than its owner (mode ${shown}): who has it can pretend to be you`,
    `take the permission away: chmod 600 '${path}'; if somebody may have read it, make a new pair`,
  ])
}

/** A server cannot take over the certificate that is on disk now: once per file and problem. */
export function warnReload(path: string, problem: string): void {
  warn('CertificateReloadWarning', `${path} ${problem}`, () => [
    `the server goes on with the certificate that it has, since the one in ${path} cannot be taken over: ${problem}`,
    'mend the files; they are looked at again all the time',
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

/** Bounded: a crawler that visits a million hosts must not remember them all. */
const warned = new LruMap<string, true>(10_000)

function warn(name: WarningName, subject: string, describe: () => [message: string, detail: string]): void {
  const key = `${name} ${subject}`
  if (disabled.has(name) || warned.get(key)) return
  warned.set(key, true)
  const [message, detail] = describe()
  process.emitWarning(message, { type: name, code: `VOUCH_${name}`, detail })
}
