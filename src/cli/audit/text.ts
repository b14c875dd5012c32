/** Settings in text files: lines of `.env`, YAML, Dockerfiles, `.npmrc`, scripts, and strings in programs. */
import type { RuleId } from './rules.ts'
import { type Match, matchCommands } from './shell.ts'

/** What a text says that switches verification off. Comments are to be taken out before, see {@link withoutComments}. */
export function matchText(text: string): Match[] {
  const matches = [...matchSettings(text, SETTINGS), ...matchString(text)].sort((a, b) => a.index - b.index)
  // Of a command whose word is a setting as well (`npm config set strict-ssl=false`), one is enough.
  return matches.filter(({ rule, index }, at) => {
    return !matches.slice(0, at).some((earlier) => earlier.rule === rule && index < earlier.index + earlier.text.length)
  })
}

/** What a string of a program says that switches verification off: a command, or the address of a database. */
export function matchString(text: string): Match[] {
  return [...matchSettings(text, CONNECTION_STRINGS), ...matchCommands(text)]
}

function matchSettings(text: string, settings: readonly (readonly [RuleId, RegExp])[]): Match[] {
  return settings.flatMap(([rule, pattern]) =>
    Array.from(text.matchAll(pattern), ({ 0: found, index }) => ({ rule, index, text: found.replace(/\s+/g, ' ') })),
  )
}

/**
 * The same text, with blanks in place of comments (`#` at the beginning of a word, and for some files `;` or `//`), so that
 * places in it stay the same.
 */
export function withoutComments(text: string, marks: RegExp = /#/): string {
  return text
    .split('\n')
    .map((line) => {
      let quote = ''
      for (let index = 0; index < line.length; index++) {
        const character = line[index] as string
        if (quote !== '') quote = character === quote ? '' : quote
        else if (character === '"' || (character === "'" && !/\w/.test(line[index - 1] ?? ''))) quote = character
        else if (marks.test(character) && !/\S/.test(line[index - 1] ?? ''))
          return line.slice(0, index).padEnd(line.length)
      }
      return line
    })
    .join('\n')
}

const KEY = '(?<![\\w.-])["\']?'
const IS = '["\']?\\s*(?:=>|[=:])\\s*["\']?'
const FALSE = '(?:false|no|off|0)(?![\\w.])'
const TRUE = '(?:true|yes|on|1)(?![\\w.])'
const setting = (names: string, value: string, flags = 'gi') => new RegExp(`${KEY}(?:${names})${IS}${value}`, flags)

/** Each by its rule. */
const SETTINGS: readonly (readonly [RuleId, RegExp])[] = [
  // Also `ENV NAME 0` of Dockerfiles, `set -x NAME 0` of fish, and the two lines of Kubernetes.
  [
    'node-tls-reject-unauthorized',
    /(?<![\w-])NODE_TLS_REJECT_UNAUTHORIZED(?:["']?[ \t]*[=:][ \t]*|[ \t]+|["']?[ \t]*\r?\n[ \t-]*value:[ \t]*)["']?0(?![\w.])/g,
  ],
  ['npm-strict-ssl', setting('strict-ssl|(?:npm_config_)?strict_ssl|enableStrictSsl|YARN_ENABLE_STRICT_SSL', FALSE)],
  ['npm-strict-ssl', /^[ \t]*strict-ssl[ \t]+["']?false\b/gim],
  ['reject-unauthorized', setting('reject_?unauthorized|tls_?reject_?unauthorized', FALSE)],
  ['strict-ssl', setting('strictSSL', FALSE, 'g')],
  ['kubernetes', setting('insecure-skip-tls-verify|skipTLSVerify|insecureSkipTLSVerify', TRUE)],
  [
    'config-key',
    setting(
      'insecure_?skip_?verify|skip_?tls_?verify|tls_?skip_?verify|skip_?ssl_?(?:verify|validation)|tls_?insecure|allow_?invalid_?certificates',
      TRUE,
    ),
  ],
  [
    'config-key',
    setting('verify_?ssl|ssl_?verify|verify_?certs?|validate_?certs?|ssl_?verify_?peer|tls_?verify', FALSE),
  ],
  ['config-key', setting('(?:ssl\\.)?(?:certificate_)?verification_?Mode|ssl\\.verification_mode', 'none\\b')],
  ['git', /\bGIT_SSL_NO_VERIFY["']?\s*[=:]\s*["']?(?:1|true|yes)\b/gi],
  ['python', /\bPYTHONHTTPSVERIFY["']?\s*[=:]\s*["']?0(?![\w.])/g],
]

const CONNECTION_STRINGS: readonly (readonly [RuleId, RegExp])[] = [
  ['connection-string', /\bsslmode=no-verify\b/gi],
  ['connection-string', /\bPGSSLMODE["']?\s*[=:]\s*["']?no-verify\b/g],
  [
    'connection-string',
    /[?&;](?:tlsAllowInvalid(?:Certificates|Hostnames)|tlsInsecure|trustServerCertificate|sslAllowInvalid\w+)\s*=\s*true\b/gi,
  ],
  ['connection-string', /(?:^|[;&?"' ])Trust ?Server ?Certificate\s*=\s*(?:true|yes)\b/gi],
  ['connection-string', /[?&;](?:verifyServerCertificate|sslVerify|ssl_verify|sslValidate)\s*=\s*false\b/gi],
  ['connection-string', /\bsslaccept=accept_invalid_certs\b/gi],
  ['connection-string', /[?&]ssl_cert_reqs=(?:CERT_)?none\b/gi],
  ['connection-string', /(?:%22|")rejectUnauthorized(?:%22|")\s*(?::|%3A)\s*false\b/gi],
]
