/** The proxy squid (Debian's squid-openssl), in the foreground, with settings for one test. */
import { spawnSync } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { openssl } from './openssl.ts'
import type { TestCertificate } from './pki.ts'
import { type RunningProgram, startProgram } from './programs.ts'
import type { TempDir } from './temp.ts'

export interface SquidOptions {
  /** User and password for Basic auth. Default: none are needed. */
  readonly login?: readonly [user: string, password: string]
  /** Opens TLS connections and presents certificates signed by `ca`; it trusts servers of `origins` (PEM). */
  readonly inspect?: { readonly ca: TestCertificate; readonly origins: string }
}

const LIBRARY = '/usr/lib/squid'

/** To loopback only; it caches nothing. */
export function startSquid({ login, inspect }: SquidOptions = {}): Promise<RunningProgram> {
  return startProgram((port, dir) => {
    const config = [
      `http_port 127.0.0.1:${port}${inspect ? ` ssl-bump generate-host-certificates=on ${certificateOf(inspect.ca, dir)}` : ''}`,
      ...(inspect ? inspection(inspect.origins, dir) : []),
      ...(login ? authentication(login, dir) : []),
      'acl loopback dst 127.0.0.0/8',
      `http_access allow loopback${login ? ' known' : ''}`,
      'http_access deny all',
      'cache deny all',
      'pid_filename none',
      'access_log none',
      'cache_log /dev/null',
      `coredump_dir ${dir.path}`,
      'pinger_enable off',
      'visible_hostname squid.test',
      'shutdown_lifetime 0 seconds',
    ]
    const file = dir.write('squid.conf', `${config.join('\n')}\n`)
    // Started by root, squid goes on as the user proxy.
    chmodSync(dir.path, 0o755)
    // Its shared memory is named after the service: another squid of this machine has the name `squid`.
    return ['squid', '-N', '-n', `vouch${port}`, '-f', file]
  })
}

const certificateOf = ({ certificate, key }: TestCertificate, dir: TempDir): string =>
  `tls-cert=${dir.write('ca.pem', certificate + key)}`

/** `peek` first: the certificate is then made after the server's own. */
function inspection(origins: string, dir: TempDir): string[] {
  const generate = `${LIBRARY}/security_file_certgen`
  const store = dir.join('certificates')
  spawnSync(generate, ['-c', '-s', store, '-M', '4MB'])
  spawnSync('chmod', ['-R', 'a+rwX', store])
  return [
    `sslcrtd_program ${generate} -s ${store} -M 4MB`,
    'sslcrtd_children 1 startup=1',
    `tls_outgoing_options cafile=${dir.write('origins.pem', origins)}`,
    'acl beginning at_step SslBump1',
    'ssl_bump peek beginning',
    'ssl_bump bump all',
  ]
}

function authentication([user, password]: readonly [string, string], dir: TempDir): string[] {
  const users = dir.write('users', `${user}:${openssl(['passwd', '-apr1', password])}`)
  return [
    `auth_param basic program ${LIBRARY}/basic_ncsa_auth ${users}`,
    'auth_param basic children 1',
    'acl known proxy_auth REQUIRED',
  ]
}
