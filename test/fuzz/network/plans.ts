/** Plans of hostile connections, of every kind. */
import fc from 'fast-check'
import { connectBytes, httpBytes, serviceBytes, socksBytes, tlsBytes } from './bytes.ts'
import { type Damage, type End, type Plan, STARTTLS_SCHEMES, type Turn } from './plan.ts'

const end = fc.constantFrom<End>('end', 'end', 'fin', 'rst', 'keep', 'keep')
const pause = fc.constantFrom(0, 0, 1, 5)

function turn(bytes: fc.Arbitrary<string>): fc.Arbitrary<Turn> {
  const places = fc.array(fc.nat(0xffff), { maxLength: 4 })
  return fc.record({ bytes, places, pause, end }).map(({ bytes: content, places: cuts, ...rest }) => {
    const starts = cuts.map((where) => Math.floor((content.length * where) / 0x10000)).sort((a, b) => a - b)
    const edges = [0, ...starts, content.length]
    const pieces = edges.slice(1).map((edge, index) => content.slice(edges[index], edge))
    return { pieces: pieces.filter((piece) => piece !== ''), ...rest }
  })
}

const damage: fc.Arbitrary<Damage> = fc.record({
  after: fc.nat(15),
  kind: fc.constantFrom('flip', 'drop', 'repeat', 'insert', 'insert', 'replace', 'cut'),
  place: fc.nat(999).map((thousandths) => thousandths / 1000),
  bytes: tlsBytes,
  end: fc.constantFrom('keep', 'keep', 'fin', 'rst', 'stall'),
})

const turns = fc.array(turn(httpBytes), { minLength: 1, maxLength: 3 })
const limit = (...ms: number[]) => fc.constantFrom(undefined, undefined, ...ms)

/** What all plans have; a server without TLS, and no proxy. */
const common = {
  client: fc.constantFrom<Plan['client'][]>('whole', 'stream', 'stream', 'upload', 'fetch', 'agent'),
  tls: fc.constant<Plan['tls']>('none'),
  identity: fc.constant<Plan['identity']>('right'),
  turns,
  early: fc.constantFrom(false, false, false, true),
  damage: fc.constant<Plan['damage']>(undefined),
  proxy: fc.constant<Plan['proxy']>('none'),
  proxyTurns: fc.constant<Plan['proxyTurns']>([]),
  connect: limit(20, 40),
  read: limit(15, 30),
  total: limit(1, 25, 50),
  abort: limit(0, 3, 20),
  retries: fc.constantFrom(0, 0, 0, 2),
  reading: fc.constantFrom<Plan['reading'][]>('read', 'iterate', 'lines', 'raw', 'first chunk', 'close', 'nothing'),
}

const overTls = fc.constantFrom<Plan['tls'][]>('TLSv1.2', 'TLSv1.3')
const anyClient = fc.constantFrom<Plan['client'][]>(
  ...(['whole', 'stream', 'stream', 'upload', 'fetch', 'explain', 'fetchCert', 'agent', 'socket'] as const),
)
const identity = fc.constantFrom<Plan['identity'][]>('right', 'right', 'right', 'stranger', 'other host')

/** Servers of plain HTTP. */
export const plainPlans: fc.Arbitrary<Plan> = fc.record({
  ...common,
  client: fc.constantFrom<Plan['client'][]>('whole', 'stream', 'stream', 'upload', 'fetch'),
})

/** Servers of HTTP over TLS, whose records are damaged in transit. */
export const tlsPlans: fc.Arbitrary<Plan> = fc.record({
  ...common,
  client: anyClient,
  tls: overTls,
  identity,
  isPinned: fc.constantFrom(false, false, true),
  damage: fc.option(damage, { nil: undefined, freq: 4 }),
})

/** Servers of other protocols, before TLS. */
export const servicePlans: fc.Arbitrary<Plan> = fc.record({
  ...common,
  client: fc.constantFrom<Plan['client'][]>('explain', 'fetchCert'),
  scheme: fc.constantFrom(...STARTTLS_SCHEMES),
  turns: fc.array(turn(serviceBytes), { minLength: 1, maxLength: 4 }),
  early: fc.boolean(),
})

/** Servers that answer to a ClientHello with anything. */
export const forgedPlans: fc.Arbitrary<Plan> = fc.record({
  ...common,
  client: anyClient,
  tls: fc.constant<Plan['tls']>('forged'),
  turns: fc.array(
    turn(
      fc.oneof(
        tlsBytes,
        fc.tuple(tlsBytes, tlsBytes).map(([a, b]) => a + b),
      ),
    ),
    {
      minLength: 1,
      maxLength: 2,
    },
  ),
})

const proxyTurns = (bytes: fc.Arbitrary<string>) =>
  fc.array(fc.option(turn(bytes), { nil: undefined, freq: 2 }), { maxLength: 3 })

/** Proxies that answer to CONNECT with anything, before servers that are as bad. */
export const tunnelPlans: fc.Arbitrary<Plan> = fc.record({
  ...common,
  client: anyClient.filter((client) => client !== 'socket'),
  tls: overTls,
  damage: fc.option(damage, { nil: undefined, freq: 1 }),
  proxy: fc.constantFrom<Plan['proxy'][]>('http', 'https'),
  proxyTurns: proxyTurns(connectBytes),
})

/** The same for SOCKS; over it plain HTTP as well. */
export const socksPlans: fc.Arbitrary<Plan> = fc
  .record({
    ...common,
    client: anyClient.filter((client) => client !== 'socket'),
    tls: fc.constantFrom<Plan['tls'][]>('none', 'TLSv1.2', 'TLSv1.3'),
    damage: fc.option(damage, { nil: undefined, freq: 1 }),
    proxy: fc.constantFrom<Plan['proxy'][]>('socks4a', 'socks5', 'socks5h'),
    proxyTurns: proxyTurns(socksBytes),
  })
  .map((plan) => (plan.tls === 'none' && !PLAIN.has(plan.client) ? { ...plan, tls: 'TLSv1.3' } : plan))

const PLAIN: ReadonlySet<Plan['client']> = new Set(['whole', 'stream', 'upload', 'fetch'])
