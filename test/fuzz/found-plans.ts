/** Plans of hostile connections that did harm once, by target: always tried. */
import type { Plan, Turn } from './network/plan.ts'

type Group = 'plain' | 'tls' | 'forged' | 'tunnel' | 'socks'

const HALF = 'HTTP/1.1 200 OK\r\n\r\nhalf'
const SOCKS_NONE = '\x05\0'
const SOCKS_GRANT = `\x05\0\0\x01${'\0'.repeat(6)}`

function turn(piece: string, end: Turn['end'] = 'keep'): Turn {
  return { pieces: [piece], pause: 0, end }
}

/** Of a server of HTTP that sends half a body, and is silent then. */
function plan(differences: Partial<Plan>): Plan {
  return {
    ...{ client: 'whole', tls: 'none', identity: 'right', turns: [turn(HALF)], early: false, damage: undefined },
    ...{ proxy: 'none', proxyTurns: [], connect: undefined, read: undefined, total: undefined, abort: undefined },
    ...{ retries: 0, reading: 'read' },
    ...differences,
  }
}

const damage = { after: 9, kind: 'insert', place: 0, bytes: '\x15\x03\x03\0\x02\x02\x28', end: 'keep' } as const

export const FOUND_PLANS: Readonly<Record<Group, readonly Plan[]>> = {
  plain: [
    // The read timeout came after the stream had lost its listeners: uncaught.
    plan({ read: 15 }),
    plan({ client: 'upload', read: 15 }),
    plan({ client: 'stream', read: 15, reading: 'lines' }),
    plan({ turns: [turn('HTTP/1.1 302 Found\r\nLocation: /\r\n\r\nhalf')], read: 15 }),
  ],
  tls: [
    // So did an error of TLS.
    plan({ tls: 'TLSv1.3', turns: [{ pieces: [HALF, 'more'], pause: 5, end: 'keep' }], damage }),
    plan({
      tls: 'TLSv1.2',
      turns: [{ pieces: [HALF, 'more'], pause: 5, end: 'keep' }],
      damage: { ...damage, after: 5 },
    }),
  ],
  forged: [],
  tunnel: [
    // The request emitted no 'timeout'.
    plan({ client: 'agent', tls: 'TLSv1.3', proxy: 'http', proxyTurns: [turn('HTTP/1.1 2')], read: 15 }),
  ],
  socks: [
    // A second error, for which nothing listened any more.
    plan({
      client: 'fetchCert',
      tls: 'TLSv1.3',
      proxy: 'socks5h',
      proxyTurns: [turn(SOCKS_NONE), turn(SOCKS_GRANT), turn('')],
    }),
    plan({ client: 'agent', tls: 'TLSv1.3', proxy: 'socks5', proxyTurns: [turn(SOCKS_NONE), turn('/Z')], read: 15 }),
  ],
}
