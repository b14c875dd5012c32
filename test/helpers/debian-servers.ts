/** Real servers of Debian's for databases, mail and directories, on loopback, each with a certificate and data of its own. */
import { spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestCertificate } from './pki.ts'
import { isRoot } from './platform.ts'
import { freePort } from './ports.ts'
import { idsOf, type RunningProgram, runProgram, startProgram, statusOf } from './programs.ts'
import { type TempDir, tempDir } from './temp.ts'

/** A server that speaks in the clear first on `port`, and TLS at once on `securePort`, if it has both. */
export interface RunningServer extends RunningProgram {
  readonly securePort?: number
}

/** `undefined`: the server offers no TLS. */
type Pair = Pick<TestCertificate, 'key' | 'chain'> | undefined

/** Servers that refuse root, and need no user of their own. */
const UNPRIVILEGED = 'nobody'

/** The files of a pair, readable for the user of the server. */
function filesOf({ key, chain }: NonNullable<Pair>, dir: TempDir, user = UNPRIVILEGED): { key: string; cert: string } {
  const files = { key: dir.write('key.pem', key, 0o600), cert: dir.write('cert.pem', chain, 0o600) }
  const { uid, gid } = idsOf(user)
  if (uid !== undefined && gid !== undefined) for (const file of Object.values(files)) chownSync(file, uid, gid)
  return files
}

/** PostgreSQL; its user `vouch` needs no password. */
export async function startPostgres(pair: Pair): Promise<RunningServer> {
  const command = (port: number, dir: TempDir): [string, ...string[]] => {
    const data = dir.join('data')
    runProgram(['cp', '-r', newCluster(), data], UNPRIVILEGED)
    const files = pair && filesOf(pair, dir)
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      fsync: 'off',
      ...(files && { ssl: 'on', ssl_key_file: files.key, ssl_cert_file: files.cert }),
    }
    return ['postgres', '-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  }
  // SIGTERM would wait for its clients.
  const server = await startProgram(command, { user: UNPRIVILEGED, signal: 'SIGINT' })
  // It listens some time before it accepts clients.
  for (let tries = 0; tries < 200; tries++) {
    if (statusOf(['pg_isready', '-h', '127.0.0.1', '-p', String(server.port)]) === 0) break
    await delay(50)
  }
  return server
}

/** An empty cluster, to be copied: to make one takes seconds. */
function newCluster(): string {
  if (cluster === undefined) {
    const dir = tempDir()
    process.once('exit', () => dir[Symbol.dispose]())
    const { uid, gid } = idsOf(UNPRIVILEGED)
    if (uid !== undefined && gid !== undefined) chownSync(dir.path, uid, gid)
    const path = dir.join('cluster')
    runProgram(['initdb', '-D', path, '-A', 'trust', '-U', 'vouch', '--no-sync'], UNPRIVILEGED)
    cluster = path
  }
  return cluster
}

let cluster: string | undefined

/** MariaDB, without users: every name is let in. */
export function startMariaDB(pair: Pair): Promise<RunningServer> {
  const command = (port: number, dir: TempDir): [string, ...string[]] => {
    const files = pair && filesOf(pair, dir)
    return [
      'mariadbd',
      '--no-defaults',
      `--datadir=${dir.path}`,
      `--socket=${dir.join('socket')}`,
      `--port=${port}`,
      '--bind-address=127.0.0.1',
      '--skip-grant-tables',
      ...(files ? [`--ssl-key=${files.key}`, `--ssl-cert=${files.cert}`] : ['--skip-ssl']),
    ]
  }
  return startProgram(command, { user: UNPRIVILEGED })
}

/** Exim; it takes every message, and throws it away. Only root, and the user of its own that Debian gives it, may start it. */
export async function startExim(pair: Pair): Promise<RunningServer> {
  const user = 'Debian-exim'
  const securePort = await freePort()
  const server = await startProgram(
    (port, dir) => {
      const files = pair && filesOf(pair, dir, user)
      const config = [
        'keep_environment =',
        `spool_directory = ${dir.path}`,
        `log_file_path = ${dir.path}/%slog`,
        `pid_file_path = ${dir.path}/pid`,
        'primary_hostname = localhost',
        'local_interfaces = 127.0.0.1',
        `daemon_smtp_ports = ${port}${files ? ` : ${securePort}` : ''}`,
        ...(files
          ? [
              `tls_on_connect_ports = ${securePort}`,
              'tls_advertise_hosts = *',
              `tls_certificate = ${files.cert}`,
              `tls_privatekey = ${files.key}`,
            ]
          : ['tls_advertise_hosts =']),
        'acl_smtp_rcpt = everybody',
        'acl_smtp_data = everybody',
        'begin acl',
        'everybody:',
        '  accept',
        'begin routers',
        'nowhere:',
        '  driver = redirect',
        '  data = :blackhole:',
      ]
      return ['exim4', '-C', dir.write('exim.conf', `${config.join('\n')}\n`), '-bdf']
    },
    { user },
  )
  return pair ? Object.assign(server, { securePort }) : server
}

/** What Dovecot serves on two ports. */
export interface RunningDovecot extends RunningServer {
  readonly pop3: { readonly port: number; readonly securePort: number }
}

/** Dovecot: `port` and `securePort` are for IMAP. Every user has the password `secret`. */
export async function startDovecot(pair: Pair): Promise<RunningDovecot> {
  const [securePort, pop3Port, pop3SecurePort] = [await freePort(), await freePort(), await freePort()]
  const server = await startProgram(
    (port, dir) => {
      const [user, group] = isRoot ? [UNPRIVILEGED, 'nogroup'] : ownNames()
      const config = [
        `base_dir = ${dir.join('run')}`,
        `state_dir = ${dir.join('state')}`,
        `log_path = ${dir.join('log')}`,
        'protocols = imap pop3',
        'listen = 127.0.0.1',
        ...tlsOfDovecot(pair, dir),
        `default_internal_user = ${user}`,
        `default_internal_group = ${group}`,
        `default_login_user = ${user}`,
        service('imap', port, securePort),
        service('pop3', pop3Port, pop3SecurePort),
        'service anvil {\n  chroot =\n}',
        'passdb {\n  driver = static\n  args = password=secret\n}',
        `userdb {\n  driver = static\n  args = uid=${user} gid=${group} home=${dir.join('home')}\n}`,
        `mail_location = maildir:${dir.join('mail')}`,
      ]
      return ['dovecot', '-F', '-c', dir.write('dovecot.conf', `${config.join('\n')}\n`)]
    },
    { user: UNPRIVILEGED },
  )
  return Object.assign(server, { securePort, pop3: { port: pop3Port, securePort: pop3SecurePort } })
}

/** Of the user and group of this process. */
function ownNames(): string[] {
  return ['-un', '-gn'].map((flag) => spawnSync('id', [flag], { encoding: 'utf8' }).stdout.trim())
}

function tlsOfDovecot(pair: Pair, dir: TempDir): string[] {
  if (pair === undefined) return ['ssl = no', 'disable_plaintext_auth = no']
  const { key, cert } = filesOf(pair, dir)
  return ['ssl = yes', `ssl_cert = <${cert}`, `ssl_key = <${key}`, 'ssl_dh =']
}

const service = (protocol: string, port: number, securePort: number) => `service ${protocol}-login {
  chroot =
  inet_listener ${protocol} {
    port = ${port}
  }
  inet_listener ${protocol}s {
    port = ${securePort}
    ssl = yes
  }
}`

/** OpenLDAP, without a database. */
export async function startSlapd(pair: Pair): Promise<RunningServer> {
  const securePort = await freePort()
  const server = await startProgram(
    (port, dir) => {
      const files = pair && filesOf(pair, dir)
      const tls = files ? [`TLSCertificateFile ${files.cert}`, `TLSCertificateKeyFile ${files.key}`] : []
      const config = dir.write('slapd.conf', `${[`pidfile ${dir.join('pid')}`, ...tls].join('\n')}\n`)
      const urls = [`ldap://127.0.0.1:${port}`, ...(files ? [`ldaps://127.0.0.1:${securePort}`] : [])]
      return ['slapd', '-d', '0', '-f', config, '-h', urls.join(' ')]
    },
    { user: UNPRIVILEGED },
  )
  return pair ? Object.assign(server, { securePort }) : server
}

/** Redis, with TLS only. */
export async function startRedis(pair: NonNullable<Pair>): Promise<RunningServer> {
  const server = await startProgram(
    (port, dir) => {
      const { key, cert } = filesOf(pair, dir)
      const tls = [
        '--tls-port',
        String(port),
        '--tls-cert-file',
        cert,
        '--tls-key-file',
        key,
        '--tls-auth-clients',
        'no',
      ]
      // It wants a CA, and asks no client for a certificate.
      return ['redis-server', '--port', '0', '--bind', '127.0.0.1', ...tls, '--tls-ca-cert-file', cert, '--save', '']
    },
    { user: UNPRIVILEGED },
  )
  return Object.assign(server, { securePort: server.port })
}

/** Mosquitto (MQTT), with TLS only, without passwords. */
export async function startMosquitto(pair: NonNullable<Pair>): Promise<RunningServer> {
  const server = await startProgram(
    (port, dir) => {
      const { key, cert } = filesOf(pair, dir)
      const config = [`listener ${port} 127.0.0.1`, `certfile ${cert}`, `keyfile ${key}`, 'allow_anonymous true']
      return ['mosquitto', '-c', dir.write('mosquitto.conf', `${config.join('\n')}\n`)]
    },
    { user: UNPRIVILEGED },
  )
  return Object.assign(server, { securePort: server.port })
}
