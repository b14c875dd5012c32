/** Browsers and command-line clients, each with a certificate that it is told to trust. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import https from 'node:https'
import { join } from 'node:path'
import { openssl } from './openssl.ts'
import { listen } from './ports.ts'
import { hasProgram } from './programs.ts'
import { type TempDir, tempDir } from './temp.ts'

export interface RealClient {
  readonly name: string
  /** Debian's package, for those who want to run its tests. */
  readonly package: string
  readonly isInstalled: boolean
  readonly hasEd25519: boolean
  /** Opens the URL while it trusts the certificate (PEM), and ends when `arrived` is resolved, or the client has exited. */
  open(url: URL, certificate: string, arrived: Promise<void>): Promise<void>
}

type Command = (url: URL, ca: string) => readonly string[]

/** A client that takes a file of certificates. */
function client(name: string, package_: string, program: string, command: Command): RealClient {
  return {
    name,
    package: package_,
    isInstalled: hasProgram(program),
    hasEd25519: true,
    open: async (url, certificate, arrived) => {
      using dir = tempDir()
      const [first = '', ...args] = command(url, dir.write('trusted.pem', certificate))
      await run(first, args, { ...process.env, ...NO_PROXY }, arrived, 20_000)
    },
  }
}

/** A program that takes its trust settings from an NSS database in its home directory. */
interface NSSProgram {
  readonly name: string
  readonly package: string
  readonly program: string
  /** Below the home directory. */
  readonly database: string
  args(url: URL, dir: TempDir): string[]
}

/** Opens the URL with `dir` as the home directory, until `arrived` is resolved, or the program has exited. */
export async function browse({ program, args }: NSSProgram, url: URL, dir: TempDir, arrived: Promise<void>) {
  const env = { ...process.env, ...NO_PROXY, HOME: dir.path, XDG_CONFIG_HOME: dir.path, MOZ_HEADLESS: '1' }
  await run(program, args(url, dir), env, arrived, 40_000)
}

/** A client with an NSS database. Debian's browsers take trust settings from nowhere else. */
function nss(client: NSSProgram): RealClient {
  return {
    name: client.name,
    package: client.package,
    isInstalled: hasProgram(client.program) && hasProgram('certutil'),
    hasEd25519: false,
    open: async (url, certificate, arrived) => {
      using dir = tempDir()
      const database = join(dir.path, client.database)
      mkdirSync(database, { recursive: true })
      const db = `sql:${database}`
      const isCA = /CA:TRUE/.test(openssl(['x509', '-noout', '-text'], certificate))
      await run('certutil', ['-N', '-d', db, '--empty-password'], process.env)
      // P: a server's own certificate is trusted; C: an anchor, which is what Firefox asks for, of a certificate that is no CA's too.
      const flags = isCA || client.program === 'firefox-esr' ? 'CP,,' : 'P,,'
      const trust = ['-t', flags, '-n', 'trusted', '-i', dir.write('trusted.pem', certificate)]
      await run('certutil', ['-A', '-d', db, ...trust], process.env)
      await browse(client, url, dir, arrived)
    },
  }
}

const CHROMIUM: NSSProgram = {
  name: 'Chromium',
  package: 'chromium',
  program: 'chromium',
  database: '.pki/nssdb',
  args: (url, dir) => [
    ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
    ...[`--user-data-dir=${join(dir.path, 'data')}`, '--no-first-run', '--disable-background-networking'],
    ...['--dump-dom', url.href],
  ],
}

const FIREFOX: NSSProgram = {
  name: 'Firefox',
  package: 'firefox-esr',
  program: 'firefox-esr',
  database: '.mozilla/firefox/a.default',
  args: (url, dir) => [
    ...['--headless', '--no-remote', '--profile', join(dir.path, '.mozilla/firefox/a.default'), url.href],
  ],
}

export const BROWSERS: readonly NSSProgram[] = [CHROMIUM, FIREFOX]

export const CLIENTS: readonly RealClient[] = [
  client('curl', 'curl', 'curl', (url, ca) => ['curl', '-sS', '--max-time', '15', '--cacert', ca, url.href]),
  client('wget', 'wget', 'wget', (url, ca) => [
    'wget',
    '-q',
    '-T',
    '15',
    '-t',
    '1',
    '-O',
    '-',
    `--ca-certificate=${ca}`,
    url.href,
  ]),
  client('Python requests', 'python3-requests', '/usr/bin/python3', (url, ca) => [
    '/usr/bin/python3',
    '-c',
    `import requests, sys; requests.get(${JSON.stringify(url.href)}, verify=${JSON.stringify(ca)}, timeout=15)`,
  ]),
  client('openssl -x509_strict', 'openssl', 'openssl', (url, ca) => [
    'sh',
    '-c',
    'printf "GET $1 HTTP/1.0\\r\\n\\r\\n" | openssl s_client -quiet -x509_strict -verify_return_error -CAfile "$2" -connect "$3" $4 "$5"',
    'sh',
    url.pathname,
    ca,
    url.host,
    /^[\d[]/.test(url.hostname) ? '-verify_ip' : '-verify_hostname',
    url.hostname,
  ]),
  client('GnuTLS', 'gnutls-bin', 'gnutls-cli', (url, ca) => [
    'sh',
    '-c',
    'printf "GET $1 HTTP/1.0\\r\\n\\r\\n" | gnutls-cli --x509cafile "$2" --port "$3" "$4"',
    'sh',
    url.pathname,
    ca,
    url.port,
    url.hostname,
  ]),
  nss({
    name: 'NSS',
    package: 'libnss3-tools',
    program: 'tstclnt',
    database: 'db',
    args: (url, dir) => [
      ...['-d', `sql:${join(dir.path, 'db')}`, '-4', '-h', url.hostname, '-p', url.port, '-b', '-A'],
      dir.write('request', `GET ${url.pathname} HTTP/1.0\r\n\r\n`),
    ],
  }),
  ...BROWSERS.map(nss),
]

const NO_PROXY = {
  no_proxy: '*',
  NO_PROXY: '*',
  http_proxy: '',
  https_proxy: '',
  HTTPS_PROXY: '',
  HTTP_PROXY: '',
  all_proxy: '',
  ALL_PROXY: '',
}

/** Whether a server with this certificate gets the request of `open` for its `/asked` at this host. */
export async function isAsked(
  host: string,
  pair: { readonly cert: string; readonly key: string },
  open: (url: URL, arrived: Promise<void>) => Promise<void>,
): Promise<boolean> {
  const arrived = Promise.withResolvers<void>()
  let isAccepted = false
  const server = https.createServer({ cert: pair.cert, key: pair.key }, (request, response) => {
    if (request.url === '/asked') {
      isAccepted = true
      arrived.resolve()
    }
    response.end('ok')
  })
  // A browser that refuses the certificate closes the connection and shows a page of its own.
  server.on('connection', (socket) => socket.once('close', () => setTimeout(arrived.resolve, REFUSED_MS)))
  const port = await listen(server, host === 'localhost' ? '127.0.0.1' : host)
  try {
    await open(new URL(`https://${host}:${port}/asked`), arrived.promise)
  } finally {
    server.closeAllConnections()
    server.close()
  }
  return isAccepted
}

/** A client that is refused may try again at once, with another version of TLS. */
const REFUSED_MS = 1500

/** Runs a program, and ends it with its children when `enough` is there, or it takes too long. */
async function run(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  enough: Promise<void> = new Promise(() => {}),
  limit = 20_000,
): Promise<void> {
  const child = spawn(program, args, { env, stdio: 'ignore', detached: true })
  const closed = once(child, 'close').catch(() => {})
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has exited.
    }
  }
  const late = setTimeout(kill, limit)
  await Promise.race([closed, enough])
  clearTimeout(late)
  kill()
  await closed
}
