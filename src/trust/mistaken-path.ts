/** Recognises values that are given as a path but are something else, and suggests what to write. */
import { isAbsolute, resolve } from 'node:path'
import { displayName } from '../core/credentials.ts'
import { tryStat } from '../core/file-being-written.ts'
import { keyMaterialIn, notAPath } from '../core/key-material.ts'
import { VOUCH } from '../core/shell.ts'
import { isBase64Pem } from '../x509/content-kind.ts'
import { isPin } from './pins.ts'

/** The hint for a path at which there is nothing; `undefined` if it is an ordinary one. */
export function mistakenPath(path: string): string | undefined {
  return MISTAKES.find(([pattern]) => pattern.test(path))?.[1] ?? (isWindows ? undefined : windowsPath(path))
}

export function missingFileHints(path: string): string[] {
  const hints = ['there is no such file']
  if (isAbsolute(path)) return hints
  return [...hints, `relative paths start at the working directory, ${displayName(process.cwd())}`]
}

/** For a bundle that is not found: the value may be something else that was meant to be trusted. */
export function missingBundleHints(source: string): string[] {
  const meant = meantInstead(source)
  return meant === undefined ? missingFileHints(source) : [meant]
}

function meantInstead(source: string): string | undefined {
  if (isPin(source)) return "this names a file: a pin is written in the program or the command, verify: 'sha256:…'"
  const digits = source.replace(/^sha-?\d*[:=]/i, '').replace(/[:\s]/g, '')
  if (/^[\da-f]{64}$/i.test(digits))
    return "this is a fingerprint (SHA-256): to pin the certificate write verify: 'sha256:…'"
  if (/^(?:[\da-f]{40}|[\da-f]{32})$/i.test(digits))
    return 'this is a fingerprint (SHA-1 or MD5), which proves nothing: get the SHA-256, openssl x509 -noout -fingerprint -sha256 -in FILE'
  if (isBase64Pem(source)) return "this is the base64 encoding of PEM text: verify: Buffer.from(value, 'base64')"
  if (/^MI[IG][A-Za-z0-9+/\s]{60}/.test(source))
    return "this is a certificate in base64: verify: Buffer.from(value, 'base64')"
  const material = keyMaterialIn(source)
  if (material) return notAPath(material)
  if (/^(?:true|false)$/i.test(source)) return `write verify: ${source.toLowerCase()} without quotes for the boolean`
  if (/^https?:/.test(source))
    return `a bundle is a file: save it first; for the certificate of a server: ${VOUCH} cert fetch`
  const parts = source.split(/[:;,]/).filter((part) => part !== '')
  if (parts.length > 1 && parts.every((part) => /\.[a-z\d]{2,4}$/i.test(part) || tryStat(resolve(part)) !== undefined))
    return 'one path only: for several bundles pass a list, verify: [first, second]'
  return mistakenPath(source)
}

const isWindows = process.platform === 'win32'

/** With a drive, or with backslashes. */
function windowsPath(path: string): string | undefined {
  const [, drive, rest] = /^([A-Za-z]):[\\/]+(.*)$/.exec(path) ?? []
  if (drive !== undefined && rest !== undefined) {
    const mounted = `/mnt/${drive.toLowerCase()}/${rest.replaceAll('\\', '/')}`
    return `this is a path of Windows, and Node runs on another system here: in WSL write '${displayName(mounted)}'`
  }
  return path.includes('\\') ? 'there is no such file; here / separates the parts of a path, not \\' : undefined
}

const MISTAKES: readonly (readonly [pattern: RegExp, hint: string])[] = [
  [/^\s*(['"])[\s\S]*\1\s*$/, 'the value has quotes around it, which are part of it: remove them where it is set'],
  [
    /^\s|\s$/,
    'the value begins or ends with a blank, a tab or a line break (CR, LF), which is part of it: remove it where it is set, such as an .env file with Windows line ends',
  ],
  [/^~/, 'a tilde is not expanded: write the path in full, or use os.homedir()'],
  [/^\$\{?\w|^%\w+%/, 'a variable is not expanded: write the path in full, or have the program read the variable'],
  [/^file:/, 'pass a URL object: new URL(…) or pathToFileURL(…)'],
  [/^https?:/, 'this is a URL, not a file: save it first'],
  [/^[{[]/, 'this is JSON or an object that became text, not a path: give the value in it'],
  [/^</, 'this is a web page or XML, not a path'],
  [
    /^(?:undefined|null|None|nil|NaN)$/,
    'this is no path, but the text of a value that was not set: look where it is read',
  ],
]
