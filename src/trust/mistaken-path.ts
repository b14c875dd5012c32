/** Recognises values that are given as a path but are something else, and suggests what to write. */
import { isAbsolute } from 'node:path'
import { displayName } from '../core/credentials.ts'

/** The hint for a path at which there is nothing; `undefined` if it is an ordinary one. */
export function mistakenPath(path: string): string | undefined {
  return MISTAKES.find(([pattern]) => pattern.test(path))?.[1] ?? (isWindows ? undefined : windowsPath(path))
}

export function missingFileHints(path: string): string[] {
  const hints = ['there is no such file']
  if (isAbsolute(path)) return hints
  return [...hints, `relative paths start at the working directory, ${displayName(process.cwd())}`]
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
