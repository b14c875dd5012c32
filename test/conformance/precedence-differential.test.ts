import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { type Adapter, CABundleError, Request, Session, type Verify } from '../../src/index.ts'
import type { Trust } from '../../src/trust/verify.ts'
import { expectWarnings, withEnv } from '../helpers/environment.ts'
import { askRequests, type Question, whyNoRequests } from './oracle.ts'

type Settle = Extract<Question, { kind: 'settle' }>

/** Every combination of what can decide. The files need not exist: nobody looks at them here. */
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

/** Why vouch differs (D1 of the project's list): requests takes what is empty or missing for `False`. */
function difference({ how, session, call }: Settle, theirs: string, ours: string): string | undefined {
  if (theirs !== 'unverified') return undefined
  const inherits = call === 'omitted' || call === null
  const decides = inherits ? session : call
  if (how === 'send' && call === null && ours === (session === '' ? 'refused' : theirVerdict(session ?? true))) {
    return 'send with null inherits from the session, as request does'
  }
  if (decides === '' && ours === 'refused') return 'an empty string is an error'
  if (decides === null && ours === 'default roots') return 'a session that says null trusts the default roots'
  return undefined
}

test('the call, the session and the environment decide as with Python requests, in every combination', {
  skip: whyNoRequests(),
}, async (t) => {
  const questions = combinations()
  const { versions, answers } = await askRequests(questions)
  const ours: string[] = []
  const warnings = await expectWarnings('TrustPrecedenceWarning', async () => {
    for (const question of questions) ours.push(await ourVerdict(question))
  })
  const theirs = answers.map(theirVerdict)
  const different = questions.flatMap((question, index) => {
    const [their = '', our = ''] = [theirs[index], ours[index]]
    return their === our ? [] : [{ question, their, our, why: difference(question, their, our) }]
  })
  assert.deepEqual(
    different.filter(({ why }) => why === undefined),
    [],
  )
  const count = Object.groupBy(different, ({ why }) => why ?? '')
  t.diagnostic(`${questions.length} combinations against requests ${versions.requests}`)
  for (const [why, cells] of Object.entries(count)) t.diagnostic(`${why}: ${cells?.length}`)
  assert.equal(Object.keys(count).length, 3)
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
