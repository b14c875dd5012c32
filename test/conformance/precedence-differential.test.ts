import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type Adapter, CABundleError, Request, Session, type Verify } from '../../src/index.ts'
import type { Trust } from '../../src/trust/verify.ts'
import { expectWarnings, withEnv } from '../helpers/environment.ts'
import { askRequests, type Question } from './oracle.ts'
import { consult } from './record.ts'
import { type Accepted, Tally } from './tally.ts'

type Settle = Extract<Question, { kind: 'settle' }>

/** Every combination of what can decide. The files need not exist: they are not read here. */
function combinations(): Settle[] {
  const unsetEmptySet = (path: string) => [undefined, '', path]
  return ['request', 'send'].flatMap((how) =>
    [true, false].flatMap((trustEnv) =>
      unsetEmptySet('/requests.pem').flatMap((requests) =>
        unsetEmptySet('/curl.pem').flatMap((curl) =>
          [true, false, '/session.pem', null, ''].flatMap((session) =>
            ['omitted', null, true, false, '/call.pem', ''].map((call): Settle => {
              const variables = Object.entries({ REQUESTS_CA_BUNDLE: requests, CURL_CA_BUNDLE: curl })
              const env = Object.fromEntries(
                variables.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
              )
              return { kind: 'settle', how: how as Settle['how'], trust_env: trustEnv, env, session, call }
            }),
          ),
        ),
      ),
    ),
  )
}

/** What a value of `verify` that reaches requests' adapter does: requests takes every falsy one for `False`. */
function theirVerdict(verify: unknown): string {
  return verify === true ? 'default roots' : verify ? String(verify) : 'unverified'
}

async function ourVerdict({ how, trust_env, env, session: verify, call }: Settle): Promise<string> {
  const seen: Trust[] = []
  const recorder: Adapter = {
    send: async (_, { trust }) => {
      seen.push(trust)
      return { statusCode: 200, reason: '', rawHeaders: [], body: Readable.from([]), tls: null }
    },
    close: () => {},
  }
  const session = new Session({ trustEnv: trust_env })
  session.verify = verify
  session.mount('https://', recorder)
  const url = 'https://localhost/'
  const options = call === 'omitted' ? {} : { verify: call as Verify | null }
  try {
    await withEnv({ REQUESTS_CA_BUNDLE: undefined, CURL_CA_BUNDLE: undefined, ...env }, () =>
      how === 'request'
        ? session.get(url, options)
        : session.send(session.prepareRequest(new Request('GET', url)), options),
    )
  } catch (error) {
    if (error instanceof CABundleError) return 'refused'
    throw error
  }
  const [trust] = seen
  assert(trust)
  if (trust.kind === 'bundle') return trust.bundle.path ?? 'a bundle'
  return trust.kind === 'default' ? 'default roots' : 'unverified'
}

/** Where `send` is given null, vouch takes what the session says; `''` is refused wherever it is set. */
const sendInherits = ({ how, session, call }: Settle, ours: string) =>
  how === 'send' && call === null && ours === (session === '' ? 'refused' : theirVerdict(session ?? true))

/** What counts where the environment says nothing. */
const deciding = ({ session, call }: Settle) => (call === 'omitted' || call === null ? session : call)

/** Where requests verifies nothing: it takes what is empty or missing for `False`. */
const DIFFERENCES: readonly (Accepted & { readonly fits: (question: Settle, ours: string) => boolean })[] = [
  { id: 'D1', why: 'send with null inherits from the session, as request does', fits: sendInherits },
  {
    id: 'D1',
    why: 'an empty string is an error',
    fits: (question, ours) => deciding(question) === '' && ours === 'refused',
  },
  {
    id: 'D1',
    why: 'a session that says null trusts the default roots',
    fits: (question, ours) => deciding(question) === null && ours === 'default roots',
  },
]

/** The questions with the same settings around them, by these in words. */
function inGroups(questions: readonly Settle[]): (readonly [name: string, asked: readonly Settle[]])[] {
  const around = ({ how, trust_env, env }: Settle) =>
    [how, trust_env ? 'trust_env' : 'no trust_env', ...Object.entries(env).map((pair) => pair.join('='))].join(', ')
  return [...Map.groupBy(questions, around)]
}

test('the call, the session and the environment decide as with Python requests, in every combination', async (t) => {
  const questions = combinations()
  const groups = inGroups(questions)
  const { versions, answers } = await consult(t, {
    suite: 'precedence',
    questions: groups,
    ask: async () => {
      const live = await askRequests(questions)
      const each = live.answers.values()
      return { ...live, answers: groups.map(([, asked]) => asked.map(() => each.next().value)) }
    },
  })
  const ours: string[] = []
  const warnings = await expectWarnings('TrustPrecedenceWarning', async () => {
    for (const question of questions) ours.push(await ourVerdict(question))
  })
  const theirs = answers.flat().map(theirVerdict)
  const tally = new Tally(DIFFERENCES, versions)
  const unlisted = questions.flatMap((question, index) => {
    const [their = '', our = ''] = [theirs[index], ours[index]]
    if (their === our) return []
    const difference = their === 'unverified' && tally.differences.find(({ fits }) => fits(question, our))
    if (!difference) return [{ question, their, our }]
    tally.count(difference)
    return []
  })
  assert.deepEqual(unlisted, [])
  tally.report(t, questions.length)
  // D13: once for each pair of a variable and a session's value that it overrides.
  const pairs = ['REQUESTS', 'CURL'].flatMap((name) => ['false', "'/session.pem'", "''"].map((value) => [name, value]))
  assert.deepEqual(
    warnings.map(({ message }) => message).sort(),
    pairs
      .map(
        ([name, value]) =>
          `${name}_CA_BUNDLE=/${name?.toLowerCase()}.pem overrides session.verify (${value}), as in Python requests`,
      )
      .sort(),
  )
})
