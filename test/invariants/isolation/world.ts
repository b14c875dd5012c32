/** The world of the model in real parts: servers, proxies, files, sessions. */
import assert from 'node:assert/strict'
import { utimesSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import tls, { type SecureVersion } from 'node:tls'
import { HTTPAdapter, ProxyError, type Response, Session } from '../../../src/index.ts'
import { type ObservedProxy, startObservedProxy } from '../../helpers/observed-proxy.ts'
import { startHttpsServer, type TestServer } from '../../helpers/servers.ts'
import { type TempDir, tempDir } from '../../helpers/temp.ts'
import {
  type Ca,
  type Client,
  type Expectation,
  expectationOf,
  initialState,
  type Owner,
  type ProxyForm,
  type RequestStep,
  type ServerName,
  type State,
  type Target,
} from './model.ts'
import { Observer, OWNER_PARAMETER } from './observer.ts'
import { clientAuthority, clients, leaves, optionsIn, pemOf, rootsWith } from './parts.ts'

/** The sizes of the pools of each session: one of them has to close pools all the time. */
const POOL_CONNECTIONS = [2, 10]

/** A request that was sent, and what must come of it. */
interface Sent {
  readonly session: number
  readonly answer: Promise<Response>
  readonly expected: Expectation
}

export class World implements AsyncDisposable {
  readonly #state = initialState()
  readonly #dir: TempDir
  readonly #observer: Observer
  readonly #proxies: ReadonlyMap<string, ObservedProxy>
  readonly #servers: Readonly<Record<ServerName, TestServer>>
  readonly #options: ReturnType<typeof optionsIn>
  readonly #roots = tls.getCACertificates('default')
  readonly #sessions = POOL_CONNECTIONS.map((poolConnections) => {
    const session = new Session({ trustEnv: false })
    session.mount('https://', new HTTPAdapter({ poolConnections }))
    return session
  })
  readonly #gate: Gate
  #held: Sent[] = []

  static async create(): Promise<World> {
    const proxies = new Map<string, ObservedProxy>()
    for (const kind of ['http', 'https', 'socks5h'] as const) {
      proxies.set(kind, await startObservedProxy(kind, { key: leaves.first.key, cert: leaves.first.chain }))
    }
    const observer = new Observer(proxies)
    const gate = new Gate()
    const start = async (name: ServerName, maxVersion: SecureVersion): Promise<TestServer> => {
      const mutual = { ca: clientAuthority.certificate, requestCert: true, rejectUnauthorized: false }
      const { key, chain: cert } = leaves[name]
      const handler = (request: IncomingMessage, response: ServerResponse) => answer(request, response, observer, gate)
      const server = await startHttpsServer({ ...mutual, key, cert, maxVersion, handler })
      observer.watch(name, server)
      return server
    }
    // Whose session a connection resumed can be seen in TLS 1.2 only; in TLS 1.3, that it did.
    const servers = { first: await start('first', 'TLSv1.3'), second: await start('second', 'TLSv1.2') }
    return new World(servers, proxies, observer, gate)
  }

  private constructor(
    servers: Readonly<Record<ServerName, TestServer>>,
    proxies: ReadonlyMap<string, ObservedProxy>,
    observer: Observer,
    gate: Gate,
  ) {
    this.#servers = servers
    this.#proxies = proxies
    this.#observer = observer
    this.#gate = gate
    this.#dir = tempDir()
    const live = { bundle: 'live.pem', cert: 'live.crt', key: 'live.key' }
    const [bundle, cert, key] = Object.values(live).map((name) => this.#dir.join(name)) as [string, string, string]
    this.#options = optionsIn(this.#dir, { bundle, cert, key })
    this.setDefaults([])
    this.rewriteBundle(this.#state.bundle)
    this.rewriteClient(this.#state.client)
  }

  /** Sends requests at the same time and holds what comes of each against the model. */
  async send(steps: readonly RequestStep[]): Promise<void> {
    await Promise.all(steps.map((step) => this.#begin(step)).map(check))
  }

  /** Begins a request that is answered at the next `release`. */
  async hold(step: RequestStep): Promise<void> {
    const sent = this.#begin(step, { hold: '' })
    const ended = sent.answer.then(nothing, nothing)
    await Promise.race([this.#gate.nextArrival(), ended])
    this.#held.push(sent)
  }

  async release(): Promise<void> {
    this.#gate.open()
    const held = this.#held
    this.#held = []
    await Promise.all(held.map(check))
  }

  rewriteBundle(bundle: State['bundle']): void {
    this.#state.bundle = bundle
    const whole = pemOf(bundle === 'damaged' ? ['first', 'second'] : bundle)
    this.#rewrite('live.pem', bundle === 'damaged' ? whole.slice(0, -20) : whole)
  }

  rewriteClient(client: Client): void {
    this.#state.client = client
    this.#rewrite('live.crt', clients[client].chain)
    this.#rewrite('live.key', clients[client].key)
  }

  /** Changes what `verify: true` trusts, for the whole process. */
  setDefaults(added: readonly Ca[]): void {
    this.#state.defaults = { added, generation: this.#state.defaults.generation + 1 }
    tls.setDefaultCACertificates(rootsWith(added))
  }

  /** Closes a session, which ends the requests that it has in flight. */
  async closeSession(index: number): Promise<void> {
    const ended = this.#held.filter(({ session }) => session === index)
    this.#held = this.#held.filter(({ session }) => session !== index)
    await this.#sessions[index]?.close()
    for (const sent of ended) {
      if (sent.expected.outcome === 'refused') await check(sent)
      else await assert.rejects(sent.answer, { name: 'ConnectionError' })
    }
  }

  /** The server closes the connections that are idle. */
  dropIdle(server: ServerName): void {
    this.#servers[server].server.closeIdleConnections()
  }

  assertIsolated(): void {
    this.#observer.assertIsolated()
  }

  get counts(): { requests: number; connections: number; resumed: number; tunnels: number } {
    const tunnels = [...this.#proxies.values()].reduce((sum, proxy) => sum + proxy.tunnels, 0)
    return { requests: this.#observer.requests, ...this.#observer.counts, tunnels }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#gate.open()
    await Promise.allSettled(this.#held.map(({ answer }) => answer))
    const parts = [...this.#sessions, ...this.#proxies.values(), ...Object.values(this.#servers)]
    for (const part of parts) await part[Symbol.asyncDispose]()
    this.#dir[Symbol.dispose]()
    tls.setDefaultCACertificates(this.#roots)
  }

  #begin(step: RequestStep, flags: Record<string, string> = {}): Sent {
    const expected = expectationOf(step, this.#state)
    const [owner, next] = expected.hops
    const closing = step.close ? { close: '' } : {}
    const to = step.redirect ? { to: this.#urlOf(step.redirect, next, closing) } : {}
    const answer = (this.#sessions[step.session] as Session).get(
      this.#urlOf(step, owner, { ...closing, ...flags, ...to }),
      {
        verify: this.#options.verify[step.trust](),
        cert: this.#options.cert[step.cert],
        proxies: { https: this.#proxyUrl(step.proxy) },
      },
    )
    // Looked at later, where it is held.
    answer.catch(nothing)
    return { session: step.session, answer, expected }
  }

  #urlOf({ server, host }: Target, owner: Owner | undefined, flags: Record<string, string>): string {
    const query = new URLSearchParams({ [OWNER_PARAMETER]: JSON.stringify(owner ?? 'nobody'), ...flags })
    return `https://${host}:${this.#servers[server].port}/?${query}`
  }

  #proxyUrl(form: ProxyForm): string | null {
    const [kind = '', user] = form.split(' ')
    return this.#proxies.get(kind)?.url(user) ?? null
  }

  #rewrite(name: string, content: string): void {
    const path = this.#dir.write(name, content)
    // Long ago: what was damaged a moment ago would be waited for.
    utimesSync(path, 1e9, 1e9)
  }
}

/** Keeps answers back. */
class Gate {
  #opened = Promise.withResolvers<void>()
  #arrived = Promise.withResolvers<void>()

  async pass(): Promise<void> {
    const opened = this.#opened.promise
    this.#arrived.resolve()
    this.#arrived = Promise.withResolvers()
    await opened
  }

  nextArrival(): Promise<void> {
    return this.#arrived.promise
  }

  open(): void {
    this.#opened.resolve()
    this.#opened = Promise.withResolvers()
  }
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  observer: Observer,
  gate: Gate,
): Promise<void> {
  observer.note(request, response)
  const { searchParams } = new URL(request.url ?? '', 'https://host')
  if (searchParams.has('hold')) await gate.pass()
  if (searchParams.has('close')) response.setHeader('connection', 'close')
  const location = searchParams.get('to')
  if (location !== null) response.writeHead(302, { location })
  response.end()
}

async function check({ answer, expected }: Sent): Promise<void> {
  const outcome = await answer.then(
    (response) => ({ outcome: 'accepted', verified: response.tls?.verified, client: response.headers.get('x-client') }),
    (error: Error) => {
      const { reason } = (error instanceof ProxyError ? error.cause : error) as { reason?: string }
      return { outcome: 'refused', error: error.name, reason }
    },
  )
  if (expected.outcome === 'accepted') {
    const { verified, hops } = expected
    assert.deepEqual(outcome, { outcome: 'accepted', verified, client: hops.at(-1)?.client })
  } else {
    const { error, reason } = expected
    assert.deepEqual(outcome, { outcome: 'refused', error, reason })
  }
}

function nothing(): void {}
