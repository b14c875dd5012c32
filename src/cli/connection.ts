/** The options of commands that connect as a request does: what is trusted, who one is, which way to go. */
import type { ClientCert, ExplainOptions } from '../index.ts'
import { readNumber, readPassphrase, UsageError } from './command.ts'

/** Those that have to do with the way. */
export const ROUTE_OPTIONS = {
  proxy: { type: 'string' },
  'no-env': { type: 'boolean' },
  timeout: { type: 'string' },
} as const

export const CONNECTION_OPTIONS = {
  verify: { type: 'string' },
  cert: { type: 'string' },
  key: { type: 'string' },
  'passphrase-file': { type: 'string' },
  ...ROUTE_OPTIONS,
} as const

export const CONNECTION_HELP = `  --verify PATH           the file or directory to trust, in place of the environment's bundle or the default roots
  --cert FILE             a client certificate, with its key in the same file or in --key; or PKCS#12 (.p12, .pfx)
  --key FILE              its key
  --passphrase-file FILE  its first line decrypts the key
  --proxy URL             a proxy to go through, in place of the environment's
  --no-env                take no bundle, no proxy and no netrc file from the environment`

/** What was given of these. */
type Values = Given<keyof typeof CONNECTION_OPTIONS>
type Given<Name extends string> = { readonly [name in Exclude<Name, 'no-env'>]?: string | undefined } & {
  readonly 'no-env'?: boolean | undefined
}

/** What a request is told. @throws UsageError for options that do not go together */
export function connectionOf(values: Values) {
  return { verify: values.verify, cert: clientCertOf(values), ...routeOf(values) } satisfies ExplainOptions
}

/** What a handshake alone is told. @throws UsageError for a time that is none */
export function routeOf({ proxy, 'no-env': noEnv, timeout }: Given<keyof typeof ROUTE_OPTIONS>) {
  return {
    proxies: proxy === undefined ? undefined : { all: proxy },
    trustEnv: !noEnv,
    timeout: timeoutOf(timeout),
  } satisfies ExplainOptions
}

function clientCertOf({ cert, key, 'passphrase-file': file }: Values): ClientCert | undefined {
  if (cert === undefined) {
    if (key === undefined && file === undefined) return undefined
    throw new UsageError(`--${key === undefined ? 'passphrase-file' : 'key'} goes with --cert`)
  }
  const passphrase = readPassphrase(file)
  return /\.(?:p12|pfx)$/i.test(cert) ? { pfx: cert, passphrase } : { cert, key, passphrase }
}

/** In seconds, as on other command lines; the library counts ms. */
function timeoutOf(text: string | undefined): number | undefined {
  const seconds = readNumber('timeout', text)
  if (seconds === undefined) return undefined
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds * 1000
  throw new UsageError(`--timeout must be above 0 and at most ${MAX_SECONDS} seconds, not ${text}`)
}

/** A timer of Node's goes no further: 24 days. */
const MAX_SECONDS = 2_147_483
