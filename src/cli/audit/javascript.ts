/** Finds options in the tokens of JavaScript, TypeScript and JSX, so that comments and unrelated words do not match. */
import type { JSXToken, Token } from 'js-tokens'
import type { RuleId } from './rules.ts'
import type { Match } from './shell.ts'
import { matchString } from './text.ts'

type AnyToken = Token | JSXToken

/** A token that means something, with its place. A string's `text` is without its quotes. */
interface Part {
  readonly text: string
  readonly type: AnyToken['type']
  readonly index: number
  readonly line: number
}

export interface Scanned {
  readonly matches: readonly Match[]
  /** The modules that are imported, to know which client an option is for. */
  readonly modules: ReadonlySet<string>
}

/** @param tokens of the whole file */
export function matchTokens(tokens: Iterable<AnyToken>): Scanned {
  const parts = partsOf(tokens)
  const modules = modulesOf(parts)
  const matches: Match[] = []
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at] as Part
    if (part.type === 'StringLiteral' || part.type.includes('Template') || part.type === 'JSXText') {
      matches.push(...matchString(part.text).map((match) => ({ ...match, index: part.index + match.index })))
    }
    const rule = ruleAt(parts, at, modules)
    if (rule !== undefined) matches.push({ rule, index: part.index, text: textOf(parts, at) })
  }
  return { matches, modules }
}

/** Without white space and comments. */
function partsOf(tokens: Iterable<AnyToken>): Part[] {
  const parts: Part[] = []
  let [index, line] = [0, 1]
  for (const { type, value } of tokens) {
    const isString = type === 'StringLiteral' || type === 'JSXString'
    if (!/Comment|WhiteSpace|LineTerminator/.test(type)) {
      parts.push({ text: isString ? value.replace(/^(["'])([\s\S]*?)\1?$/, '$2') : value, type, index, line })
    }
    index += value.length
    line += value.split('\n').length - 1
  }
  return parts
}

function modulesOf(parts: readonly Part[]): ReadonlySet<string> {
  const modules = parts.filter((part, at) => {
    const [before, earlier] = [parts[at - 1]?.text, parts[at - 2]?.text]
    const isCall = before === '(' && (earlier === 'require' || earlier === 'import')
    return part.type === 'StringLiteral' && (before === 'from' || before === 'import' || isCall)
  })
  return new Set(modules.map(({ text }) => text))
}

/** Which rule the token here begins to break. */
function ruleAt(parts: readonly Part[], at: number, modules: ReadonlySet<string>): RuleId | undefined {
  const part = parts[at] as Part
  if (part.type !== 'IdentifierName' && part.type !== 'StringLiteral') return undefined
  const option = OPTIONS.get(part.text)
  if (option === undefined) {
    return isTlsOptionsOfFalse(parts, at) && modules.has('vouch') ? 'verify-false' : undefined
  }
  const [rule, isOff] = option
  const value = valueAt(parts, at)
  if (value === undefined || !isOff(parts, value)) return undefined
  if (rule === 'verify-false') return isForVouch(parts, at, modules) ? rule : undefined
  return rule === 'reject-unauthorized' && isOfServer(parts, at) ? 'reject-unauthorized-server' : rule
}

/** Where the value of the option begins: behind `name:`, `name =`, `['name'] =`, or the parentheses of a method. */
function valueAt(parts: readonly Part[], at: number): number | undefined {
  const [before, next] = [parts[at - 1]?.text, parts[at + 1]?.text]
  const inBrackets = before === '[' && next === ']'
  const name = inBrackets ? at + 1 : at
  const sign = parts[name + 1]?.text
  // In `a ? name : b` it is no key.
  const isKey = inBrackets ? BEFORE_KEY.has(parts[at - 2]?.text) : BEFORE_KEY.has(before)
  if (sign === ':' && isKey) return name + 2
  if (sign === '(' && (isKey || before === 'async')) return name + 1
  return sign === '=' || sign === '||=' || sign === '??=' ? name + 2 : undefined
}

const BEFORE_KEY: ReadonlySet<string | undefined> = new Set(['{', ',', undefined])

type IsOff = (parts: readonly Part[], at: number) => boolean

/** Whether what stands here ends the value: a value that goes on (`false || other`) is none of these. */
function isEnd(parts: readonly Part[], at: number): boolean {
  const [part, before] = [parts[at], parts[at - 1]]
  return part === undefined || part.line > (before?.line ?? 0) || /^(?:[,;})\]]|as|satisfies)$/.test(part.text)
}

const isFalse: IsOff = (parts, at) => {
  const text = parts[at]?.text ?? ''
  if (text === '!') return /^(?:1|true)$/.test(parts[at + 1]?.text ?? '') && isEnd(parts, at + 2)
  return /^(?:false|0)$/.test(text) && isEnd(parts, at + 1)
}

const isTrue: IsOff = (parts, at) => {
  const text = parts[at]?.text ?? ''
  if (text === '!') return /^(?:0|false)$/.test(parts[at + 1]?.text ?? '') && isEnd(parts, at + 2)
  return text === 'true' && isEnd(parts, at + 1)
}

const isZero: IsOff = (parts, at) => parts[at]?.text === '0' && isEnd(parts, at + 1)

const isNone: IsOff = (parts, at) => parts[at]?.text === 'none' && isEnd(parts, at + 1)

/** A function that finds no fault with any certificate: it returns nothing, or something that Node takes for that. */
const isEmptyFunction: IsOff = (parts, at) => {
  const text = Array.from({ length: 40 }, (_, offset) => parts[at + offset]?.text ?? '').join(' ')
  return EMPTY_FUNCTION.test(text)
}

const NOTHING = '(?:undefined|null|false|0|void 0)'
const EMPTY_BODY = `\\{ (?:return ?(?:${NOTHING})? ?;? )?\\}`
const EMPTY_FUNCTION = new RegExp(
  `^(?:(?:async )?(?:\\( (?:[^()]* )?\\)|[\\w$]+) => (?:${EMPTY_BODY}|\\( ${NOTHING} \\)|${NOTHING} [,;})])` +
    `|(?:async )?(?:function (?:[\\w$]+ )?)?\\( (?:[^()]* )?\\) (?:: [\\w| ]+ )?${EMPTY_BODY}` +
    '|(?:[\\w$]+ \\. )?noop [,;}])',
)

/** By the name of the option. */
const OPTIONS: ReadonlyMap<string, readonly [RuleId, IsOff]> = new Map<string, readonly [RuleId, IsOff]>([
  ['rejectUnauthorized', ['reject-unauthorized', isFalse]],
  ['NODE_TLS_REJECT_UNAUTHORIZED', ['node-tls-reject-unauthorized', isZero]],
  ['checkServerIdentity', ['check-server-identity', isEmptyFunction]],
  ['verify', ['verify-false', isFalse]],
  ['strictSSL', ['strict-ssl', isFalse]],
  ['strict-ssl', ['npm-strict-ssl', isFalse]],
  ['trustServerCertificate', ['database-option', isTrue]],
  ['tlsAllowInvalidCertificates', ['database-option', isTrue]],
  ['tlsAllowInvalidHostnames', ['database-option', isTrue]],
  ['tlsInsecure', ['database-option', isTrue]],
  ['sslValidate', ['database-option', isFalse]],
  ['ignoreHTTPSErrors', ['browser', isTrue]],
  ['acceptInsecureCerts', ['browser', isTrue]],
  ['skipTLSVerify', ['kubernetes', isTrue]],
  ['insecureSkipTLSVerify', ['kubernetes', isTrue]],
  ['insecureSkipVerify', ['config-key', isTrue]],
  ['verificationMode', ['config-key', isNone]],
])

/** Whether the file, or the function that is called with this object, is one of vouch's: others have a `verify` as well. */
function isForVouch(parts: readonly Part[], at: number, modules: ReadonlySet<string>): boolean {
  if (modules.has('vouch')) return true
  const open = openBraceOf(parts, at)
  const callee = parts.slice(0, open).findLastIndex(({ text }) => text === '(')
  return /^(?:Session|trustedAgent|tlsOptions|explain)$/.test(parts[callee - 1]?.text ?? '')
}

const isTlsOptionsOfFalse = (parts: readonly Part[], at: number) =>
  parts[at]?.text === 'tlsOptions' && parts[at + 1]?.text === '(' && parts[at + 2]?.text === 'false'

/** An object with `requestCert` is for a server: what it does not verify are its clients. */
function isOfServer(parts: readonly Part[], at: number): boolean {
  let depth = 0
  for (let index = openBraceOf(parts, at); index < parts.length; index++) {
    const { text } = parts[index] as Part
    if (text === '{') depth++
    if (text === '}' && --depth === 0) return false
    if (text === 'requestCert') return true
  }
  return false
}

/** The brace that opens the object around this place. */
function openBraceOf(parts: readonly Part[], at: number): number {
  let depth = 0
  for (let index = at - 1; index >= 0; index--) {
    const { text } = parts[index] as Part
    if (text === '}') depth++
    if (text === '{' && --depth < 0) return index
  }
  return 0
}

/** `rejectUnauthorized: false`: the option, and the beginning of its value. */
function textOf(parts: readonly Part[], at: number): string {
  const value = valueAt(parts, at) ?? at + 2
  const [first = '', second = ''] = [parts[value]?.text, parts[value + 1]?.text]
  const shown = first === '!' ? `!${second}` : /^[\w$]+$/.test(first) && first !== 'function' ? first : '() => …'
  return `${parts[at]?.text}: ${shown}`
}
