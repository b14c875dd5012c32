/** Random sequences of steps in the world of the model. */
import fc from 'fast-check'
import { CAS, type Ca, CERTS, CLIENTS, HOSTS, PROXIES, type RequestStep, type Target, TRUSTS } from './model.ts'
import { World } from './world.ts'

export type Step =
  | { readonly kind: 'send' | 'hold'; readonly requests: readonly RequestStep[] }
  | { readonly kind: 'release' }
  | { readonly kind: 'rewrite bundle'; readonly bundle: readonly Ca[] | 'damaged' }
  | { readonly kind: 'rewrite client'; readonly client: (typeof CLIENTS)[number] }
  | { readonly kind: 'set defaults'; readonly added: readonly Ca[] }
  | { readonly kind: 'close session'; readonly session: number }
  | { readonly kind: 'drop idle'; readonly server: Ca }

/** Few values for each sequence, so that its requests meet on connections. */
const palette = fc.record({
  trusts: fc.array(fc.constantFrom(...TRUSTS), { minLength: 3, maxLength: 3 }),
  certs: fc.tuple(fc.constantFrom(...CERTS), fc.constantFrom(...CERTS)),
  proxies: fc.tuple(fc.constant('direct' as const), fc.constantFrom(...PROXIES), fc.constantFrom(...PROXIES)),
})

/** A request by the places of its values in the palette. */
interface Draft extends Target {
  readonly session: number
  readonly trust: number
  readonly cert: number
  readonly proxy: number
  readonly close: boolean
  readonly redirect: Target | undefined
}

const target: fc.Arbitrary<Target> = fc.record({
  server: fc.constantFrom(...CAS),
  host: fc.oneof({ weight: 3, arbitrary: fc.constant('localhost' as const) }, fc.constantFrom(...HOSTS)),
})
const session = fc.nat(1)
const close = fc.oneof({ weight: 3, arbitrary: fc.constant(false) }, fc.constant(true))

const draft = (redirect: fc.Arbitrary<Target | undefined>): fc.Arbitrary<Draft> =>
  fc
    .record({ target, session, trust: fc.nat(2), cert: fc.nat(1), proxy: fc.nat(2), close, redirect })
    .map(({ target, ...rest }) => ({ ...target, ...rest }))

const sent = draft(fc.option(target, { nil: undefined, freq: 4 }))
const held = draft(fc.constant(undefined))
const cas = fc.constantFrom<readonly Ca[]>(['first'], ['second'], ['first', 'second'])
const bundle = fc.oneof({ weight: 4, arbitrary: cas }, fc.constant('damaged' as const))

const step = fc.oneof(
  { weight: 14, arbitrary: kind('send', { requests: fc.array(sent, { minLength: 1, maxLength: 8 }) }) },
  { weight: 2, arbitrary: kind('hold', { requests: fc.array(held, { minLength: 1, maxLength: 2 }) }) },
  { weight: 2, arbitrary: kind('release', {}) },
  { weight: 3, arbitrary: kind('rewrite bundle', { bundle }) },
  { weight: 2, arbitrary: kind('rewrite client', { client: fc.constantFrom(...CLIENTS) }) },
  { weight: 2, arbitrary: kind('set defaults', { added: fc.oneof(fc.constant([]), cas) }) },
  { weight: 1, arbitrary: kind('close session', { session }) },
  { weight: 1, arbitrary: kind('drop idle', { server: fc.constantFrom(...CAS) }) },
)

function kind<const K extends string, T extends object>(name: K, fields: { [P in keyof T]: fc.Arbitrary<T[P]> }) {
  return fc.record<T>(fields).map((step) => ({ kind: name, ...step }))
}

export const sequences: fc.Arbitrary<Step[]> = fc
  .record({ palette, steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }) })
  .map(({ palette: { trusts, certs, proxies }, steps }) => {
    const complete = (each: Draft): RequestStep => ({
      ...each,
      trust: trusts[each.trust] ?? 'none',
      cert: certs[each.cert] ?? 'nobody',
      proxy: proxies[each.proxy] ?? 'direct',
    })
    return steps.map((each) => ('requests' in each ? { ...each, requests: each.requests.map(complete) } : each))
  })

/** Walks through a sequence in a new world; what it returns was observed by the servers and proxies. */
export async function walk(steps: readonly Step[]): Promise<World['counts']> {
  await using world = await World.create()
  for (const each of steps) await take(each, world)
  await world.release()
  world.assertIsolated()
  return world.counts
}

async function take(step: Step, world: World): Promise<void> {
  switch (step.kind) {
    case 'send':
      return world.send(step.requests)
    case 'hold':
      for (const each of step.requests) await world.hold(each)
      return
    case 'release':
      return world.release()
    case 'rewrite bundle':
      return world.rewriteBundle(step.bundle)
    case 'rewrite client':
      return world.rewriteClient(step.client)
    case 'set defaults':
      return world.setDefaults(step.added)
    case 'close session':
      return world.closeSession(step.session)
    case 'drop idle':
      return world.dropIdle(step.server)
  }
}
