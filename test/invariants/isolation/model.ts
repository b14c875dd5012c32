/** What must happen, of a request in the world as it is: accepted or refused and why, and what its connection may serve. */

export const CAS = ['first', 'second'] as const
export type Ca = (typeof CAS)[number]

export const CLIENTS = ['ada', 'bob'] as const
export type Client = (typeof CLIENTS)[number]

/** The servers: each has the certificate of the authority of its name, the second one for `localhost` only. */
export type ServerName = Ca
export const HOSTS = ['localhost', '127.0.0.1'] as const
export type Host = (typeof HOSTS)[number]

/**
 * Forms of `verify`. `live` is a file that is rewritten; `leaf` is the certificate of the first server itself; the pins name that
 * server, by its certificate and by its key.
 */
export const TRUSTS = [
  'first path',
  'first text',
  'second bytes',
  'both',
  'live',
  'live and second',
  'leaf',
  'default',
  'default and first',
  'pin',
  'key pin',
  'none',
] as const
export type TrustForm = (typeof TRUSTS)[number]

/** Forms of `cert`. `live` is a pair of files that is rewritten. */
export const CERTS = ['nobody', 'ada', 'ada path', 'ada pfx', 'bob', 'live'] as const
export type CertForm = (typeof CERTS)[number]

export const PROXIES = ['direct', 'http', 'http ada', 'http bob', 'https', 'socks5h', 'socks5h ada'] as const
export type ProxyForm = (typeof PROXIES)[number]

export interface Target {
  readonly server: ServerName
  readonly host: Host
}

export interface RequestStep extends Target {
  /** Which session sends it. */
  readonly session: number
  readonly trust: TrustForm
  readonly cert: CertForm
  readonly proxy: ProxyForm
  /** Whether the server closes the connection behind its answer: the next one may resume its TLS session. */
  readonly close: boolean
  readonly redirect: Target | undefined
}

/** What is rewritten while requests are made. */
export interface State {
  bundle: readonly Ca[] | 'damaged'
  client: Client
  defaults: { readonly added: readonly Ca[]; readonly generation: number }
}

export const initialState = (): State => ({
  bundle: ['first'],
  client: 'ada',
  defaults: { added: [], generation: 0 },
})

/** What a connection, and a TLS session, belongs to. */
export interface Owner {
  readonly trust: string
  readonly client: Client | 'nobody'
  readonly proxy: ProxyForm
}

export type Expectation =
  | { readonly outcome: 'accepted'; readonly hops: readonly Owner[]; readonly verified: boolean }
  | { readonly outcome: 'refused'; readonly error: string; readonly reason: string; readonly hops: readonly Owner[] }

/** What must come of a request now; `hops` are those that reach a server. */
export function expectationOf(step: RequestStep, state: State): Expectation {
  const trust = trustOf(step.trust, state)
  if (trust === undefined) return { outcome: 'refused', error: 'CABundleError', reason: 'bad-bundle', hops: [] }
  const hops: Owner[] = []
  const client = clientOf(step.cert, state)
  for (const target of step.redirect ? [step, step.redirect] : [step]) {
    const refusal = refusalOf(target, step.proxy, trust)
    if (refusal) return { outcome: 'refused', ...refusal, hops }
    // A client certificate stays behind when a redirect leads to another origin.
    const isForeign = target.server !== step.server || target.host !== step.host
    // An https proxy is verified by the default roots then.
    const owner = trust.pinned && step.proxy === 'https' ? `${trust.owner} ${state.defaults.generation}` : trust.owner
    hops.push({ trust: owner, client: isForeign ? 'nobody' : client, proxy: step.proxy })
  }
  return { outcome: 'accepted', hops, verified: trust.verified }
}

interface Trusted {
  /** Equal for equal trust only. */
  readonly owner: string
  readonly verified: boolean
  readonly cas: readonly Ca[]
  /** The server whose own certificate is trusted. */
  readonly leaf?: ServerName
  /** The server that is pinned; `cas` are for an https proxy only. */
  readonly pinned?: ServerName
}

/** `undefined`: it cannot be used. */
function trustOf(form: TrustForm, { bundle, defaults }: State): Trusted | undefined {
  const of = (...cas: readonly Ca[]): Trusted => {
    const owner = [...new Set(cas)].sort().join('+')
    return { owner, verified: true, cas }
  }
  switch (form) {
    case 'first path':
    case 'first text':
      return of('first')
    case 'second bytes':
      return of('second')
    case 'both':
      return of('first', 'second')
    case 'live':
      return bundle === 'damaged' ? undefined : of(...bundle)
    case 'live and second':
      return bundle === 'damaged' ? undefined : of(...bundle, 'second')
    case 'leaf':
      return { owner: 'leaf', verified: true, cas: [], leaf: 'first' }
    case 'default':
      return { ...of(...defaults.added), owner: `default ${defaults.generation}` }
    case 'default and first': {
      const { owner, ...trusted } = of(...defaults.added, 'first')
      return { ...trusted, owner: `default+${owner}` }
    }
    case 'pin':
    case 'key pin':
      return { ...of(...defaults.added), owner: form, pinned: 'first' }
    case 'none':
      return { owner: 'none', verified: false, cas: CAS }
  }
}

function clientOf(form: CertForm, { client }: State): Client | 'nobody' {
  if (form === 'live') return client
  return form === 'nobody' ? 'nobody' : form === 'bob' ? 'bob' : 'ada'
}

/** The https proxy presents the certificate of the first server. */
function refusalOf(
  { server, host }: Target,
  proxy: ProxyForm,
  { cas, verified, leaf, pinned }: Trusted,
): { error: string; reason: string } | undefined {
  if (!verified) return undefined
  const isTrusted = (name: ServerName) => cas.includes(name) || leaf === name
  if (proxy === 'https' && !isTrusted('first')) return { error: 'ProxyError', reason: 'unknown-ca' }
  if (pinned) return server === pinned ? undefined : { error: 'SSLError', reason: 'pin-mismatch' }
  if (!isTrusted(server)) return { error: 'SSLError', reason: 'unknown-ca' }
  if (server === 'second' && host !== 'localhost') return { error: 'SSLError', reason: 'hostname-mismatch' }
  return undefined
}
