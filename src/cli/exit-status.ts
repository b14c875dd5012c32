/** The exit status of the command for an error, by cause. */
import { codeOf } from '../core/error-code.ts'
import { FileError } from '../core/file-error.ts'
import {
  CABundleError,
  ClientCertError,
  InvalidHeader,
  InvalidSchema,
  InvalidURL,
  MissingSchema,
  ProxyError,
  RequestException,
  SSLError,
  URLRequired,
} from '../index.ts'
import { UsageError } from './command.ts'

/** What the statuses mean; 128 + N is a signal's, such as 130 after Ctrl-C. */
export const EXIT = {
  done: 0,
  /** The server is not trusted, or TLS failed otherwise. */
  notTrusted: 1,
  /** The command line is not valid, or a file that it or the environment names cannot be used. */
  usage: 2,
  /** The server was not reached, or its response is not complete. */
  notReached: 3,
  /** `--fail`, and a status of 400 or above. */
  httpError: 4,
} as const

export function exitStatusOf(error: unknown): number {
  if (error instanceof CABundleError || error instanceof ClientCertError) return EXIT.usage
  const isProxyUntrusted = error instanceof ProxyError && error.cause instanceof SSLError
  if (error instanceof SSLError || isProxyUntrusted) return EXIT.notTrusted
  if (isByServer(error)) return EXIT.notReached
  if (USAGE.some((type) => error instanceof type)) return EXIT.usage
  return error instanceof RequestException ? EXIT.notReached : EXIT.usage
}

/** Whether the URL or header that is not valid is the server's: of a redirect, or of a response that breaks a rule of HTTP. */
function isByServer(error: unknown): boolean {
  return error instanceof RequestException && (error.response !== undefined || codeOf(error).startsWith('HPE_'))
}

const USAGE = [UsageError, FileError, InvalidHeader, InvalidSchema, InvalidURL, MissingSchema, URLRequired]
