/** Browsers and command-line clients, each with a certificate that it is told to trust. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openssl } from './openssl.ts'
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

/** A client with an NSS database. Debian's browsers take trust settings from nowhere else. */
function nss(
  name: string,
  package_: string,
  program: string,
  database: string,
  args: (url: URL, dir: TempDir) => string[],
): RealClient {
  return {
    name,
    package: package_,
    isInstalled: hasProgram(program) && hasProgram('certutil'),
    hasEd25519: false,
    open: async (url, certificate, arrived) => {
      using dir = tempDir()
      mkdirSync(join(dir.path, database), { recursive: true })
      const db = `sql:${join(dir.path, database)}`
      const isCA = /CA:TRUE/.test(openssl(['x509', '-noout', '-text'], certificate))
      await run('certutil', ['-N', '-d', db, '--empty-password'], process.env)
      // P: a server's own certificate is trusted; C: an anchor, which is what Firefox asks for, of a certificate that is no CA's too.
      const flags = isCA || program === 'firefox-esr' ? 'CP,,' : 'P,,'
      const trust = ['-t', flags, '-n', 'trusted', '-i', dir.write('trusted.pem', certificate)]
      await run('certutil', ['-A', '-d', db, ...trust], process.env)
      const env = { ...process.env, ...NO_PROXY, HOME: dir.path, XDG_CONFIG_HOME: dir.path, MOZ_HEADLESS: '1' }
      await run(program, args(url, dir), env, arrived, 40_000)
    },
  }
}

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
  nss('NSS', 'libnss3-tools', 'tstclnt', 'db', (url, dir) => [
    ...['-d', `sql:${join(dir.path, 'db')}`, '-4', '-h', url.hostname, '-p', url.port, '-b', '-A'],
    dir.write('request', `GET ${url.pathname} HTTP/1.0\r\n\r\n`),
  ]),
  nss('Chromium', 'chromium', 'chromium', '.pki/nssdb', (url, dir) => [
    ...[
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      `--user-data-dir=${join(dir.path, 'data')}`,
    ],
    ...['--no-first-run', '--disable-background-networking', '--dump-dom', url.href],
  ]),
  nss('Firefox', 'firefox-esr', 'firefox-esr', 'profile', (url, dir) => [
    ...['--headless', '--no-remote', '--profile', join(dir.path, 'profile'), url.href],
  ]),
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
