/** Third-party servers that run as programs of their own, on loopback ports that are free. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, globSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { isRoot } from './platform.ts'
import { freePort, listens } from './ports.ts'
import { type TempDir, tempDir } from './temp.ts'

const PACKAGES: Readonly<Record<string, string>> = {
  microsocks: 'microsocks',
  danted: 'dante-server',
  squid: 'squid-openssl',
  apache2: 'apache2-bin',
  'gnutls-serv': 'gnutls-bin',
  postgres: 'postgresql',
  mariadbd: 'mariadb-server-core',
  exim4: 'exim4-daemon-light',
  dovecot: 'dovecot-imapd dovecot-pop3d',
  slapd: 'slapd',
  'redis-server': 'redis-server',
  mosquitto: 'mosquitto',
}

/** PostgreSQL's own programs are in a directory for each version. */
const POSTGRES = globSync('/usr/lib/postgresql/*/bin').sort().join(':')

/** Servers are in directories that only root has in its PATH. */
const ENVIRONMENT: NodeJS.ProcessEnv = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin:${POSTGRES}` }

export function hasProgram(program: string): boolean {
  return spawnSync('which', [program], { env: ENVIRONMENT }).status === 0
}

/** Why a program cannot be started here, `false` when it can: for `skip` of a test. */
export function whyNo(program: string): string | false {
  return hasProgram(program) ? false : `no ${program}: apt-get install ${PACKAGES[program]}`
}

/** How a program is run. */
export interface ProgramOptions {
  /** The user to run it as, if this process is root's: some servers refuse root. */
  readonly user?: string
  /** What terminates it. Default: SIGTERM. */
  readonly signal?: NodeJS.Signals
}

/** The numbers of a user, if this process may become one. */
export function idsOf(user: string | undefined): { uid?: number; gid?: number } {
  if (user === undefined || !isRoot) return {}
  const id = (flag: string) => Number(spawnSync('id', [flag, user], { encoding: 'utf8' }).stdout)
  return { uid: id('-u'), gid: id('-g') }
}

/** Runs a program to its end, as a server is run: to prepare its directory. */
export function runProgram([program, ...args]: readonly [string, ...string[]], user?: string): void {
  const { status, stderr } = spawnSync(program, args, { env: ENVIRONMENT, encoding: 'utf8', ...idsOf(user) })
  assert.equal(status, 0, stderr)
}

/** The exit status of a program. */
export function statusOf([program, ...args]: readonly [string, ...string[]]): number | null {
  return spawnSync(program, args, { env: ENVIRONMENT, stdio: 'ignore' }).status
}

export interface RunningProgram extends AsyncDisposable {
  readonly port: number
}

/**
 * Starts a program that listens on a given port, and waits until it does. At the end of the scope it is terminated,
 * and the directory that it was given for its files is removed when it has exited.
 */
export async function startProgram(
  command: (port: number, dir: TempDir) => readonly [program: string, ...args: string[]],
  { user, signal = 'SIGTERM' }: ProgramOptions = {},
): Promise<RunningProgram> {
  const port = await freePort()
  const dir = tempDir()
  const ids = idsOf(user)
  if (ids.uid !== undefined && ids.gid !== undefined) chownSync(dir.path, ids.uid, ids.gid)
  const [program, ...args] = command(port, dir)
  // A process group of its own: squid and dante have children.
  const child = spawn(program, args, { stdio: 'ignore', detached: true, env: ENVIRONMENT, cwd: dir.path, ...ids })
  const closed = once(child, 'close')
  const kill = () => killGroup(child.pid)
  process.once('exit', kill)
  const stop = async () => {
    // Not SIGKILL: squid removes its shared memory when it is terminated.
    child.kill(signal)
    const late = setTimeout(kill, STOP_LIMIT_MS)
    await closed
    clearTimeout(late)
    kill()
    process.off('exit', kill)
    dir[Symbol.dispose]()
  }
  for (let tries = 0; tries < 400 && child.exitCode === null; tries++) {
    if (await listens(port)) return { port, [Symbol.asyncDispose]: stop }
    await delay(25)
  }
  await stop()
  throw assert.fail(`${program} does not listen on ${port}`)
}

/** A program that has not exited by then is killed. */
const STOP_LIMIT_MS = 10_000

/** Kills what is left of a program and its children. */
function killGroup(pid: number | undefined): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
