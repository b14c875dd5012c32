/** Which proxy a request goes through, by real Python requests and by this library, but for what is listed. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { proxyFor } from '../../src/transport/proxies.ts'
import { askPython } from './oracle.ts'
import { consult, inHundreds } from './record.ts'
import { type Accepted, Tally } from './tally.ts'

interface Case {
  readonly url: string
  readonly env: Record<string, string>
  readonly call: Record<string, string | null> | null
  readonly session: Record<string, string>
}

interface Difference extends Accepted {
  readonly fits: (given: Case, how: 'request' | 'send') => boolean
}

/** What differs on purpose. */
const DIFFERENCES: readonly Difference[] = [
  {
    why: 'no_proxy of a session counts in request as well',
    fits: ({ session }, how) => how === 'request' && 'no_proxy' in session,
  },
  {
    why: 'null takes a key away in send as well',
    fits: ({ call }, how) => how === 'send' && Object.values(call ?? {}).includes(null),
  },
  {
    why: 'NO_PROXY with the default port of a scheme names no URL: URLs no longer say whether they had it',
    fits: ({ url }) => new URL(url).port === '' && /:\d+\/$/.test(url),
  },
  { why: 'a lone dot in NO_PROXY names nothing', fits: ({ url }) => new URL(url).hostname.endsWith('.') },
  {
    why: 'where no_proxy is set and empty, NO_PROXY counts in full: requests forgets its *, its capitals and more',
    fits: ({ env }) => env.no_proxy === '' && env.NO_PROXY !== undefined,
  },
  {
    why: '* counts in a list of NO_PROXY, too',
    fits: (given) =>
      noProxiesOf(given).some((list) => list.includes(',') && list.split(',').some((each) => each.trim() === '*')),
  },
  {
    why: 'IPv6 addresses in NO_PROXY may be in brackets',
    fits: (given) => given.url.includes('[') && noProxiesOf(given).some((list) => list.includes('[')),
  },
]

const noProxiesOf = ({ env, call, session }: Case): string[] =>
  [env.no_proxy, env.NO_PROXY, call?.no_proxy, session.no_proxy].filter((list) => typeof list === 'string')

const HOSTS = ['a.test', 'www.a.test', 'A.TEST', 'a.test.', 'localhost', '10.1.2.3', '192.168.0.7', '[::1]']
const KEYS = ['http', 'https', 'all', 'http://a.test', 'https://a.test', 'all://a.test', 'all://10.1.2.3']
const VARIABLES = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY']
const NO_PROXY = [
  ...['a.test', '.a.test', '*.a.test', 'A.TEST', ' a.test ', 'a.test:81', 'a.test:443', 'test', 'b.test', 'a.test.'],
  ...['*', '.', '', 'localhost', '10.0.0.0/8', '10.0.0.0/0', '10.1.2.3/32', '10.1.2.3', '10.1.2', '10.1.2.3:81'],
  ...['192.168.0.0/24', '192.168.0.0/33', '::1', '[::1]', '[::1]:81'],
]

/** The same ones in each run. */
function makeCases(count: number): Case[] {
  let state = 11
  const next = (max: number) => {
    // A linear congruential generator (Numerical Recipes' constants): enough to mix.
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * max)
  }
  const one = <T>(values: readonly T[]): T => values[next(values.length)] as T
  const noProxy = () => Array.from({ length: next(4) }, () => one(NO_PROXY)).join(',')
  const some = <T>(keys: readonly string[], values: readonly T[]): Record<string, T> =>
    Object.fromEntries(keys.filter(() => next(10) < 3).map((key) => [key, one(values)]))
  return Array.from({ length: count }, () => ({
    url: `${one(['http', 'https'])}://${one(HOSTS)}${one(['', '', ':81', ':80', ':443'])}/`,
    env: {
      ...some(VARIABLES, ['http://e1:1', 'http://e2:2', '']),
      ...(next(2) && { no_proxy: noProxy() }),
      ...(next(2) && { NO_PROXY: noProxy() }),
      ...(next(9) === 0 && { REQUEST_METHOD: 'GET' }),
    },
    call: next(2)
      ? { ...some(KEYS, ['http://c1:1', 'http://c2:2', '', null]), ...(next(6) === 0 && { no_proxy: noProxy() }) }
      : null,
    session: { ...some(KEYS, ['http://s1:1', 'http://s2:2', '']), ...(next(6) === 0 && { no_proxy: noProxy() }) },
  }))
}

/** What is recorded of the proxies for `request` and for `send`: `e1 -` for http://e1:1 and none. */
const inShort = (proxies: readonly (string | null)[]) =>
  proxies.map((url) => (url ? new URL(url).hostname : '-')).join(' ')

test('the proxy is the one that requests chooses, but for what is listed', async (t) => {
  const cases = makeCases(10_000)
  const { versions, answers } = await consult(t, {
    suite: 'proxies',
    questions: inHundreds(cases),
    ask: async () => {
      const live = await askPython<[string | null, string | null]>('proxies-oracle.py', cases)
      return { ...live, answers: inHundreds(live.answers.map(inShort)).map(([, chosen]) => chosen) }
    },
  })
  const theirs = answers.flat()
  const tally = new Tally(DIFFERENCES, versions)
  const unlisted = cases.flatMap((given, index) => {
    const { url, env, call, session } = given
    const wanted = theirs[index]?.split(' ') ?? []
    return (['request', 'send'] as const).flatMap((how, position) => {
      const rules = { call: call ?? undefined, session, env, envOverSession: how === 'request' }
      const chosen = inShort([proxyFor(new URL(url), rules)?.url.href ?? null])
      if (chosen === wanted[position]) return []
      const difference = tally.differences.find(({ fits }) => fits(given, how))
      if (difference === undefined) return [`${how} ${JSON.stringify(given)}: ${wanted[position]}, here ${chosen}`]
      tally.count(difference)
      return []
    })
  })
  assert.deepEqual(unlisted, [])
  tally.report(t, cases.length)
})
