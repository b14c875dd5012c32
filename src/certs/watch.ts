/** `watchCert`: a running server takes over a renewed certificate. */
import type { Server } from 'node:tls'
import { LiveFiles } from '../core/live-file.ts'
import { optionNames, ownOptions } from '../core/options.ts'
import { warnReload } from '../core/warnings.ts'
import { type CertificateInfo, describeCertificate } from '../x509/certificate-info.ts'
import { FileError, locatePair, type PairPaths } from './files.ts'
import { checkPassphrase } from './options.ts'
import { parsePair } from './pair.ts'

/** Options of {@link watchCert}. */
export interface WatchCertOptions {
  /** How often the files are looked at, in ms: 10 to a day. Default: 250. */
  interval?: number | undefined
  /** What the key is encrypted with. */
  passphrase?: string | undefined
  /** Called when the server has taken over a renewed certificate. */
  onReload?: ((certificate: CertificateInfo) => void) | undefined
  /**
   * Called when the files are there no more, or cannot be used: the server goes on with what it has. Default: a
   * `CertificateReloadWarning`, once per problem.
   */
  onError?: ((error: Error) => void) | undefined
}

/** What watches; closing it, or the server, ends that. It does not keep the process alive. */
export interface CertWatch extends Disposable {
  /** The certificate that the server presents now. */
  readonly certificate: CertificateInfo
  /** Ends the watch; the server goes on with the certificate that it has. */
  close(): void
}

/**
 * Has a server present the certificate of these files, and each one that replaces it, without a restart. Connections that
 * are open go on. A new pair is taken over when it is whole: until certificate and key belong together, and when one of
 * them cannot be used, the server keeps what it has.
 *
 * All other settings of the server (`ca`, `requestCert`, ciphers …) stay as they are. Certificates of `addContext` and
 * `SNICallback` are not watched.
 *
 * @param server an `https.Server`, `tls.Server` or `http2.Http2SecureServer`, listening or not, made with a certificate or
 *   without
 * @param certFile path or `file:` URL of the certificate, with its chain
 * @param keyFile path or `file:` URL of the key
 * @throws TypeError for a wrong argument; Error with a `code` and a `path` when the files cannot be used now
 *
 * @example
 * const pair = await ensureSelfSignedCert('cert.pem', 'key.pem', 'localhost')
 * const server = https.createServer(pair, handler).listen(8443)
 * watchCert(server, 'cert.pem', 'key.pem')
 * // and now and then, here or in another process:
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
  for (const name of ['onReload', 'onError'] as const) {
    if (own[name] !== undefined && typeof own[name] !== 'function') throw new TypeError(`${name} must be a function`)
  }
  const watch = new Watch(server, locatePair(certFile, keyFile), {
    ...own,
    passphrase: checkPassphrase(own.passphrase),
  })
  watch.start(interval)
  return watch
}

class Watch implements CertWatch {
  readonly #server: Server
  readonly #paths: PairPaths
  readonly #options: WatchCertOptions
  readonly #files = new LiveFiles<Buffer>((content) => content, 2)
  #taken: Taken
  /** What is wrong now, and for how many looks it has been. */
  #problem: { readonly message: string; readonly looks: number } | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #end = () => this.close()

  constructor(server: Server, paths: PairPaths, options: WatchCertOptions) {
    this.#server = server
    this.#paths = paths
    this.#options = options
    this.#taken = this.#give(this.#read())
  }

  get certificate(): CertificateInfo {
    return this.#taken.certificate
  }

  start(interval: number): void {
    this.#timer = setInterval(() => this.#look(), interval).unref()
    this.#server.once('close', this.#end)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#server.off('close', this.#end)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #look(): void {
    let isNew: boolean
    try {
      isNew = this.#takeOver()
      this.#problem = undefined
    } catch (error) {
      this.#tell(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (isNew) this.#options.onReload?.(this.certificate)
  }

  /** Whether the files hold something else than the server has; it has it then. */
  #takeOver(): boolean {
    const found = this.#read()
    if (this.#taken.cert.equals(found.cert) && this.#taken.key.equals(found.key)) return false
    this.#taken = this.#give(found)
    return true
  }

  /** A pair that is being written is wrong for a moment: only what is still wrong at the next look is told, and once. */
  #tell(error: Error): void {
    const { onError } = this.#options
    const { message } = error
    const known = this.#problem?.message === message ? this.#problem : undefined
    this.#problem = { message, looks: (known?.looks ?? 0) + 1 }
    if (this.#problem.looks !== 2) return
    if (onError) onError(error)
    else warnReload(this.#paths.certFile, message)
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

  /** Gives the pair to the server, with the settings that it has already: Node would forget all that is not given. */
  #give(content: Content): Taken {
    const { passphrase } = this.#options
    const { cert, key, certificates } = parsePair(this.#paths, content.cert, content.key, passphrase)
    const settings = this.#server as unknown as Readonly<Record<string, unknown>>
    const kept = Object.fromEntries(KEPT_SETTINGS.map((name) => [name, settings[name]]))
    this.#server.setSecureContext({ ...kept, cert, key, passphrase })
    return { ...content, certificate: describeCertificate(certificates[0]) }
  }
}

/** The two files. */
interface Content {
  readonly cert: Buffer
  readonly key: Buffer
}

/** What the server has. */
interface Taken extends Content {
  readonly certificate: CertificateInfo
}

/** What `setSecureContext` takes besides certificates and keys; Node's servers keep each under its own name. */
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

/** ms; a look costs a few µs. Clients of this library wait for a renewed certificate for four times as long. */
const DEFAULT_INTERVAL = 250

function checkInterval(interval: unknown): number {
  if (interval === undefined) return DEFAULT_INTERVAL
  if (typeof interval === 'number' && interval >= 10 && interval <= 86_400_000) return interval
  throw new TypeError(`interval must be a number of ms from 10 to 86400000 (a day), not ${String(interval)}`)
}

const WATCH_OPTIONS = optionNames<WatchCertOptions>({ interval: true, passphrase: true, onReload: true, onError: true })
