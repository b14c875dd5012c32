/** Real SOCKS servers of Debian's on loopback: microsocks (SOCKS 5, with credentials) and dante (4 and 5). */

import { isRoot } from './platform.ts'
import { type RunningProgram, startProgram } from './programs.ts'

/** SOCKS 5; with `login`, for that user only. */
export function startMicrosocks(login?: readonly [user: string, password: string]): Promise<RunningProgram> {
  const credentials = login ? ['-u', login[0], '-P', login[1]] : []
  return startProgram((port) => ['microsocks', '-i', '127.0.0.1', '-p', String(port), ...credentials])
}

/** SOCKS 4 and 5 (not 4a: it takes the address for one to connect to) to loopback, but for the port `blocked`. */
export function startDante(blocked = 1): Promise<RunningProgram> {
  return startProgram((port, dir) => {
    const config = [
      `logoutput: ${dir.join('log')}`,
      `internal: 127.0.0.1 port = ${port}`,
      'external: 127.0.0.1',
      'clientmethod: none',
      'socksmethod: none',
      // Only root can become another user.
      ...(isRoot ? ['user.unprivileged: nobody'] : []),
      'client pass { from: 127.0.0.0/8 to: 0/0 }',
      `socks block { from: 127.0.0.0/8 to: 0/0 port = ${blocked} }`,
      'socks pass { from: 127.0.0.0/8 to: 0/0 }',
    ]
    return ['danted', '-f', dir.write('danted.conf', `${config.join('\n')}\n`), '-p', dir.join('pid'), '-N', '1']
  })
}
