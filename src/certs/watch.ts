/** `watchCert`: reloads the certificate of a running server when its files change. */
import type { Server } from 'node:tls'
import { displayName } from '../core/credentials.ts'
import { FileError } from '../core/file-error.ts'
import { LiveFiles } from '../core/live-file.ts'
import { checkFunction, optionNames, ownOptions, ownProperties } from '../core/options.ts'
import { warnListener, warnReload } from '../core/warnings.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'
import { checkPassphrase } from './options.ts'
import { parsePair } from './pair.ts'
import { locatePair, type PairPaths } from './pair-paths.ts'

/** Options of {@link watchCert}. */
export interface WatchCertOptions {
  /** How often the files are checked, in ms: 10 to a day. Default: 250. */
  interval?: number | undefined
  /** The passphrase of the key. */
  passphrase?: string | undefined
  /** Called after the server has loaded a renewed certificate. */
  onReload?: ((certificate: CertificateInfo) => void) | undefined
  /**
   * Called if the files are missing or cannot be used: the server keeps its certificate. Default: a
   * `CertificateReloadWarning`, once per problem.
   */
  onError?: ((error: Error) => void) | undefined
}

/** A running watch. Closing it, or the server, stops it. It does not keep the process alive. */
export interface CertWatch extends Disposable {
  /** The certificate that the server presents now. */
  readonly certificate: CertificateInfo
  /** Stops the watch; the server keeps its certificate. */
  close(): void
}

/**
 * Makes a server present the certificate of these files, and each renewed one, without a restart. Open connections are not
 * affected. The server keeps its certificate until the new certificate and key belong together and can be used.
 *
 * All other settings of the server (`ca`, `requestCert`, ciphers …) are kept. Certificates of `addContext` and
 * `SNICallback` are not watched.
 *
 * @param server an `https.Server`, `tls.Server` or `http2.Http2SecureServer`, listening or not, with or without a
 *   certificate
 * @param certFile path or `file:` URL of the certificate, with its chain
 * @param keyFile path or `file:` URL of the key
 * @throws TypeError for a wrong argument; Error with a `code` and a `path` if the files cannot be used now
 *
 * @example
 * const pair = await ensureSelfSignedCert('cert.pem', 'key.pem', 'localhost')
 * const server = https.createServer(pair, handler).listen(8443)
 * watchCert(server, 'cert.pem', 'key.pem')
 * // and from time to time, here or in another process:
 * setInterval(() => ensureSelfSignedCert('cert.pem', 'key.pem', 'localhost'), 86_400_000).unref()
 */
export function watchCert(
  server: Server,
  certFile: string | URL,
  keyFile: string | URL,
  options: WatchCertOptions = {},
): CertWatch {
  if (typeof server?.setSecureContext !== 'function') {
    throw new TypeError('server must be an https.Server or tls.Server: it has no setSecureContext()')
  }
  const own = ownOptions(options, 'watchCert', WATCH_OPTIONS)
  const interval = checkInterval(own.interval)
  const watch = new Watch(server, locatePair(certFile, keyFile), {
    passphrase: checkPassphrase(own.passphrase),
    onReload: checkFunction('onReload', own.onReload),
    onError: checkFunction('onError', own.onError),
  })
  watch.start(interval)
  return watch
}

class Watch implements CertWatch {
  readonly #server: Server
  readonly #paths: PairPaths
  readonly #options: WatchCertOptions
  readonly #files = new LiveFiles<Buffer>((content) => content, 2)
  #served: Served
  /** The current problem, and how many checks in succession have found it. */
  #problem: { readonly message: string; readonly checks: number } | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #onServerClose = () => this.close()

  constructor(server: Server, paths: PairPaths, options: WatchCertOptions) {
    this.#server = server
    this.#paths = paths
    this.#options = options
    this.#served = this.#serve(this.#read())
  }

  get certificate(): CertificateInfo {
    return this.#served.certificate
  }

  start(interval: number): void {
    this.#timer = setInterval(() => this.#check(), interval).unref()
    this.#server.once('close', this.#onServerClose)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#server.off('close', this.#onServerClose)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #check(): void {
    let hasChanged: boolean
    try {
      hasChanged = this.#reload()
      this.#problem = undefined
    } catch (error) {
      this.#report(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (hasChanged) notify('onReload', () => this.#options.onReload?.(this.certificate))
  }

  /** Loads the files into the server if their content has changed. @returns whether it has */
  #reload(): boolean {
    const found = this.#read()
    if (this.#served.cert.equals(found.cert) && this.#served.key.equals(found.key)) return false
    this.#served = this.#serve(found)
    return true
  }

  /** A pair may be wrong for a moment while it is written: only a problem that the next check finds too is reported, once. */
  #report(error: Error): void {
    const { onError } = this.#options
    const { message } = error
    const known = this.#problem?.message === message ? this.#problem : undefined
    this.#problem = { message, checks: (known?.checks ?? 0) + 1 }
    if (this.#problem.checks !== 2) return
    if (onError) notify('onError', () => onError(error))
    else warnReload(displayName(this.#paths.certFile), message)
  }

  #read(): Content {
    return { cert: this.#readFile(this.#paths.cert), key: this.#readFile(this.#paths.key) }
  }

  #readFile(path: string): Buffer {
    try {
      return this.#files.read(path).value
    } catch (error) {
      throw FileError.from('read', path, error)
    }
  }

  /** Loads the pair into the server. Its other settings are passed again: Node resets those that are absent. */
  #serve(content: Content): Served {
    const { passphrase } = this.#options
    const { cert, key, certificates } = parsePair(this.#paths, content.cert, content.key, passphrase)
    const settings = this.#server as unknown as Readonly<Record<string, unknown>>
    const kept = Object.fromEntries(
      KEPT_SETTINGS.map((name) => [name, Object.hasOwn(settings, name) ? settings[name] : undefined]),
    )
    this.#server.setSecureContext(ownProperties({ ...kept, cert, key, passphrase }))
    return { ...content, certificate: describeCertificate(certificates[0]) }
  }
}

/** Calls a function of the user's. What it throws would be uncaught in a timer, and end the server: it becomes a warning. */
function notify(name: string, call: () => unknown): void {
  const warn = (error: unknown) => warnListener(`${name} of watchCert`, error)
  try {
    // It may be an async function, although nothing waits for it.
    const result = call()
    if (result instanceof Promise) result.catch(warn)
  } catch (error) {
    warn(error)
  }
}

/** The content of the two files. */
interface Content {
  readonly cert: Buffer
  readonly key: Buffer
}

/** The pair that the server presents. */
interface Served extends Content {
  readonly certificate: CertificateInfo
}

/** The options of `setSecureContext` besides certificates and keys; Node's servers have each as a property of that name. */
export const KEPT_SETTINGS = [
  'ca',
  'crl',
  'ciphers',
  'sigalgs',
  'ecdhCurve',
  'dhparam',
  'honorCipherOrder',
  'minVersion',
  'maxVersion',
  'secureProtocol',
  'secureOptions',
  'sessionIdContext',
  'sessionTimeout',
  'ticketKeys',
  'clientCertEngine',
  'certificateCompression',
] as const

/** A check costs a few µs. Clients of this library wait four times as long for a server to load a renewed certificate. */
const DEFAULT_INTERVAL_MS = 250

const MIN_INTERVAL_MS = 10
const MAX_INTERVAL_MS = 86_400_000

function checkInterval(interval: unknown): number {
  if (interval === undefined) return DEFAULT_INTERVAL_MS
  if (typeof interval === 'number' && interval >= MIN_INTERVAL_MS && interval <= MAX_INTERVAL_MS) {
    return interval
  }
  const given = typeof interval === 'number' ? interval : typeof interval
  throw new TypeError(
    `interval must be a number of ms from ${MIN_INTERVAL_MS} to ${MAX_INTERVAL_MS} (a day), not ${given}`,
  )
}

const WATCH_OPTIONS = optionNames<WatchCertOptions>({ interval: true, passphrase: true, onReload: true, onError: true })
