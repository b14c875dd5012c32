/** The options of commands that connect to a server: trust, client certificate, proxy and time limit. */

import { displayName } from '../core/credentials.ts'
import { MAX_TIMER_MS } from '../core/options.ts'
import type { ClientCert, ExplainOptions, Verify } from '../index.ts'
import { readNumber, UsageError } from './command.ts'
import { fileOrContent, readPassphrase } from './input.ts'

/** The options of commands that only make a handshake. */
export const ROUTE_OPTIONS = {
  proxy: { type: 'string' },
  'no-env': { type: 'boolean' },
  timeout: { type: 'string' },
  'connect-to': { type: 'string', multiple: true },
} as const

export const CONNECTION_OPTIONS = {
  verify: { type: 'string', multiple: true },
  cert: { type: 'string' },
  key: { type: 'string' },
  'passphrase-file': { type: 'string' },
  ...ROUTE_OPTIONS,
} as const

export const CONNECTION_HELP = `  --verify PATH           the file or directory to trust, instead of the environment's bundle or the default roots;
                          or a pin: sha256:HEX of the certificate, sha256//BASE64= of its public key; may be
                          repeated, for several paths or several pins
  --cert FILE             a client certificate, with its key in the same file or in --key; or PKCS#12 (.p12, .pfx)
  --key FILE              the key of the client certificate
  --passphrase-file FILE  a file whose first line is the passphrase of the key
  --proxy URL             the proxy to use, instead of the environment's
  --connect-to HOST:PORT:ADDRESS:PORT  connect to this address instead of HOST:PORT, as in curl; may be repeated
  --no-env                use no bundle, proxy or netrc file of the environment`

export const SERVICES_HELP = `Besides https, the scheme of the URL may be postgres, postgresql, mysql, smtp, imap, pop3 or ldap (TLS is requested first),
smtps, imaps, pop3s, ldaps, rediss, amqps, mqtts, or tls (tls://HOST:PORT). User, password and path are not sent.`

type Values = Given<keyof typeof CONNECTION_OPTIONS>

/** The values of these options, as parsed. */
type Given<Name extends string> = {
  readonly [name in Exclude<Name, 'no-env' | 'connect-to' | 'verify'>]?: string | undefined
} & {
  readonly 'no-env'?: boolean | undefined
  readonly 'connect-to'?: readonly string[] | undefined
} & ('verify' extends Name ? { readonly verify?: readonly string[] | undefined } : unknown)

/** The options of the library for a request. @throws UsageError for an invalid value or combination */
export function connectionOf(values: Values) {
  return { verify: verifyOf(values), cert: clientCertOf(values), ...routeOf(values) } satisfies ExplainOptions
}

/** The options of the library for a handshake alone. @throws UsageError for an invalid time */
export function routeOf({
  proxy,
  'no-env': noEnv,
  timeout,
  'connect-to': connectTo,
}: Given<keyof typeof ROUTE_OPTIONS>) {
  return {
    proxies: proxy === undefined ? undefined : { all: proxy },
    trustEnv: !noEnv,
    timeout: timeoutOf(timeout),
    connectTo: connectToOf(connectTo),
  } satisfies ExplainOptions
}

/** One path or pin as it is, several as a list. */
function verifyOf({ verify = [] }: Values): Verify | undefined {
  const given = verify.map(fileOrContent)
  return given.length > 1 ? given : given[0]
}

function clientCertOf({ cert, key, 'passphrase-file': file }: Values): ClientCert | undefined {
  if (cert === undefined) {
    if (key === undefined && file === undefined) return undefined
    throw new UsageError(`--${key === undefined ? 'passphrase-file' : 'key'} needs --cert`)
  }
  const passphrase = readPassphrase(file)
  if (/\.(?:p12|pfx)$/i.test(cert)) return { pfx: cert, passphrase }
  return { cert: fileOrContent(cert), key: key === undefined ? undefined : fileOrContent(key), passphrase }
}

/** curl's form, of which parts may be empty: any port, the same host, the same port. */
function connectToOf(given: readonly string[] | undefined): Record<string, string> | undefined {
  return given && Object.fromEntries(given.map(readConnectTo))
}

function readConnectTo(text: string): readonly [host: string, address: string] {
  const [, host = '', port = '', to = '', toPort = ''] = CONNECT_TO.exec(text) ?? []
  if (host === '' || (to === '' && toPort === '')) {
    throw new UsageError(`--connect-to is HOST:PORT:ADDRESS:PORT, not '${displayName(text)}'`)
  }
  const address = to === '' ? host : to
  return [port === '' ? host : `${host}:${port}`, toPort === '' ? address : `${address}:${toPort}`]
}

/** IPv6 addresses are in brackets. */
const CONNECT_TO = /^(\[[^\]]*\]|[^:]*):(\d*):(\[[^\]]*\]|[^:]*):(\d*)$/

/** The option is in seconds, as for other commands; the result is in ms. */
function timeoutOf(text: string | undefined): number | undefined {
  const seconds = readNumber('timeout', text)
  if (seconds === undefined) return undefined
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds * 1000
  throw new UsageError(`--timeout must be above 0 and at most ${MAX_SECONDS} seconds, not ${seconds}`)
}

const MAX_SECONDS = Math.floor(MAX_TIMER_MS / 1000)
