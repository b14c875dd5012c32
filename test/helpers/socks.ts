/** Real SOCKS servers of Debian's on loopback: microsocks (SOCKS 5, with credentials) and dante (4 and 5). */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, connect as tcpConnect } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { tempDir } from './temp.ts'

export interface SocksServer extends AsyncDisposable {
  readonly port: number
}

/** Why a server cannot be started here, `false` when it can: for `skip` of a test. */
export function whyNo(program: string): string | false {
  return spawnSync('which', [program]).status === 0 ? false : `no ${program}: apt-get install ${PACKAGES[program]}`
}

const PACKAGES: Readonly<Record<string, string>> = {
  microsocks: 'microsocks',
  danted: 'dante-server',
  squid: 'squid-openssl',
}

/** SOCKS 5; with `login`, for that user only. */
export function startMicrosocks(login?: readonly [user: string, password: string]): Promise<SocksServer> {
  return start((port) => [
    'microsocks',
    ['-i', '127.0.0.1', '-p', String(port), ...(login ? ['-u', login[0], '-P', login[1]] : [])],
  ])
}

/** SOCKS 4, 4a and 5 to loopback, but for the port `blocked`. */
export async function startDante(blocked = 1): Promise<SocksServer> {
  const dir = tempDir()
  const server = await start((port) => {
    const config = [
      `logoutput: ${dir.join('log')}`,
      `internal: 127.0.0.1 port = ${port}`,
      'external: 127.0.0.1',
      'clientmethod: none',
      'socksmethod: none',
      'user.unprivileged: nobody',
      'client pass { from: 127.0.0.0/8 to: 0/0 }',
      `socks block { from: 127.0.0.0/8 to: 0/0 port = ${blocked} }`,
      'socks pass { from: 127.0.0.0/8 to: 0/0 }',
    ].join('\n')
    return ['danted', ['-f', dir.write('danted.conf', `${config}\n`), '-p', dir.join('pid'), '-N', '1']]
  })
  return {
    ...server,
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      dir[Symbol.dispose]()
    },
  }
}

/** Starts a program that listens on the port it is told, and waits until it does. */
async function start(command: (port: number) => [program: string, args: string[]]): Promise<SocksServer> {
  const port = await freePort()
  // A process group of its own: dante has children.
  const child = spawn(...command(port), { stdio: 'ignore', detached: true })
  const stop = async () => {
    if (child.exitCode !== null || child.pid === undefined) return
    const closed = once(child, 'close')
    process.kill(-child.pid, 'SIGKILL')
    await closed
  }
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    if (await listens(port)) return { port, [Symbol.asyncDispose]: stop }
    await setTimeout(25)
  }
  await stop()
  throw assert.fail(`${child.spawnfile} does not listen on ${port}`)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

async function listens(port: number): Promise<boolean> {
  const socket = tcpConnect(port, '127.0.0.1')
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  }).then((is) => {
    socket.destroy()
    return is as boolean
  })
}
