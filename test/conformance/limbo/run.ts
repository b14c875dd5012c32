/** Asks vouch and OpenSSL about the cases, each with a server of its own. */
import { Session } from '../../../src/index.ts'
import { type Answers, askPython } from '../oracle.ts'
import { addressOf, pooled, type Running, type Served, startServers, verdict } from '../run.ts'
import { HAS_IPV6 } from '../servers.ts'
import type { LimboCase } from './case.ts'

interface Subject extends Served {
  readonly limbo: LimboCase
  readonly anchors: string
}

export interface Trial extends AsyncDisposable {
  /** vouch's verdicts, in the order of the cases: `trusted`, or the reason. */
  ours(): Promise<string[]>
  /** OpenSSL's: `trusted`, or its words. */
  theirs(): Promise<Answers<string>>
}

export async function startTrial(cases: readonly LimboCase[]): Promise<Trial> {
  const servers = await startServers(cases.map(subjectOf))
  return {
    async ours() {
      // Some end within the hour.
      await using session = new Session({ expiryWarning: false })
      return await pooled(servers.list, 8, ({ server, url }) => verdict(session, url, server.anchors))
    },
    theirs: () => askPython('limbo-oracle.py', servers.list.map(questionOf)),
    [Symbol.asyncDispose]: () => servers[Symbol.asyncDispose](),
  }
}

/** Whether this machine can run a case: some have no IPv6. */
export function canRun({ host = '' }: LimboCase): boolean {
  return HAS_IPV6 || !host.startsWith('[')
}

function subjectOf(limbo: LimboCase): Subject {
  const [server] = limbo.sent
  if (server === undefined) throw new Error(`${limbo.name}: nothing is sent`)
  return {
    limbo,
    host: limbo.host ?? 'localhost',
    sent: limbo.sent.map(({ pem }) => pem),
    key: server.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    anchors: limbo.anchors.map(({ pem }) => pem).join(''),
    // What is to be refused is presented all the same.
    ciphers: 'DEFAULT:@SECLEVEL=0',
  }
}

/** The host as it is compared: as URLs write it, without brackets and the dot at its end. */
function questionOf({ server, port }: Running<Subject>): object {
  const host = new URL(`https://${server.host}/`).hostname.replace(/^\[|\]$|\.$/g, '')
  return { host, port, address: addressOf(server), anchors: server.anchors }
}
