import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { HTTPError, RequestException, Response, Session } from '../../src/index.ts'
import { type Answers, askPython } from './oracle.ts'
import { consult } from './record.ts'
import { Tally } from './tally.ts'
import { WIRE_CASES } from './wire-cases.ts'
import { type Outcome, WIRE_DIFFERENCES, type WireRecord } from './wire-differences.ts'
import { type Arrived, startWireServer, type WireServer } from './wire-server.ts'

test('the differences that users may notice are in the list of the documentation', () => {
  const list = readFileSync(new URL('../../docs/coming-from-requests.md', import.meta.url), 'utf8')
  const missing = WIRE_DIFFERENCES.flatMap(({ listed = '' }) => (list.includes(listed) ? [] : listed))
  assert.deepEqual(missing, [])
})

test('what is sent and what is made of the answers is as with Python requests, but for the listed differences', async (t) => {
  const questions = WIRE_CASES.map(([name, python]) => [name, python] as const)
  const { versions, answers: theirs } = await consult(t, { suite: 'wire', questions, ask })
  const ours = await askVouch()
  const tally = new Tally(WIRE_DIFFERENCES, versions)
  const unlisted: string[] = []
  for (const [index, [name]] of WIRE_CASES.entries()) {
    const our = ours[index] as Outcome
    let expected = theirs[index] as Outcome
    for (const difference of tally.differences) {
      if (difference.cases !== undefined && !difference.cases.test(name)) continue
      const adapted = difference.adapt(structuredClone(expected), our)
      if (JSON.stringify(adapted) === JSON.stringify(expected)) continue
      tally.count(difference)
      expected = adapted
    }
    if (JSON.stringify(expected) !== JSON.stringify(our)) unlisted.push(`${name}\n${diff(expected, our)}`)
  }
  assert.equal(unlisted.length, 0, `${unlisted.length} cases differ:\n\n${unlisted.join('\n\n')}`)
  tally.report(t, WIRE_CASES.length)
})

async function ask(): Promise<Answers<Outcome>> {
  await using server = await startWireServer()
  const { versions, answers } = await askPython<{ result: unknown; cookies: [string, string][] }>('wire-oracle.py', [
    server.url,
    WIRE_CASES.map(([, python]) => python),
  ])
  const outcomes = answers.map(({ result, cookies }, index) => outcome(server, index, result, cookies))
  return { versions, answers: outcomes }
}

async function askVouch(): Promise<Outcome[]> {
  await using server = await startWireServer()
  const outcomes: Outcome[] = []
  for (const [index, [, , ours]] of WIRE_CASES.entries()) {
    server.begin(index)
    await using session = new Session()
    let result: unknown
    try {
      const value = await ours({ s: session, u: server.url, l: server.url.replace('127.0.0.1', 'localhost') })
      result = value instanceof Response ? describe(value) : (value ?? null)
    } catch (error) {
      assert(error instanceof Error, String(error))
      result = {
        error: error.name,
        isRequestException: error instanceof RequestException,
        ...(error instanceof HTTPError && { message: error.message }),
      }
    }
    const cookies = Array.from(session.cookies).sort()
    outcomes.push(outcome(server, index, result, cookies))
  }
  return outcomes
}

/** The counterpart of `describe` in wire-oracle.py. */
function describe(response: Response): object {
  return {
    status: response.statusCode,
    reason: response.reason,
    url: response.url,
    history: response.history.map(({ statusCode, url }) => [statusCode, url]),
    encoding: response.encoding,
    content: sha256(response.content),
    text: Array.from(response.text).slice(0, 2000).join(''),
    ok: response.ok,
    isRedirect: response.isRedirect,
    isPermanentRedirect: response.isPermanentRedirect,
    next: response.next && [response.next.method, response.next.url],
    links: sorted(response.links),
    setCookies: response.cookies.toObject(),
    type: response.headers.get('content-type'),
  }
}

/** With its names in order, also one level down. */
function sorted(value: object): object {
  const entries = Object.entries(value).map(([name, each]) => [name, typeof each === 'object' ? sorted(each) : each])
  return Object.fromEntries(entries.sort())
}

/**
 * One side's part of a case. What is bound to differ by chance (ports, boundaries) is written the same, and of long texts
 * their hash.
 */
function outcome(server: WireServer, index: number, result: unknown, cookies: [string, string][]): Outcome {
  const arrived = (server.arrived.get(index) ?? []).map(normalize)
  const port = new RegExp(`(:|%3A)${server.port}\\b`, 'g')
  const plain = JSON.stringify({ arrived, result, cookies }, (_, value) => {
    if (typeof value !== 'string') return value
    const text = value.replace(port, '$1PORT')
    return text.length > 1000 ? `${text.slice(0, 50)}… (${text.length} characters, SHA-256 ${sha256(text)})` : text
  })
  return JSON.parse(plain)
}

const sha256 = (content: string | Uint8Array) => createHash('sha256').update(content).digest('hex')

function normalize({ method, target, headers, body }: Arrived): WireRecord {
  const boundary =
    /boundary=([0-9a-f]{32})/.exec(headers.join('\n'))?.[1] ??
    /^--([0-9a-f]{32})\r\n/.exec(body.toString('latin1'))?.[1]
  const hide = (each: string) => (boundary ? each.replaceAll(boundary, 'BOUNDARY') : each)
  return { method, target, headers: headers.map(hide).sort(), body: hide(body.toString('latin1')) }
}

/** The parts of two outcomes that differ, side by side. */
function diff(expected: unknown, actual: unknown, path = ''): string {
  if (JSON.stringify(expected) === JSON.stringify(actual)) return ''
  const isPair = [expected, actual].every((each) => typeof each === 'object' && each !== null)
  if (!isPair) return `  ${path}: requests ${JSON.stringify(expected)}, here ${JSON.stringify(actual)}`
  const [a, b] = [expected, actual] as Record<string, unknown>[]
  const keys = new Set([...Object.keys(a ?? {}), ...Object.keys(b ?? {})])
  return Array.from(keys, (key) => diff(a?.[key], b?.[key], `${path}.${key}`))
    .filter(Boolean)
    .join('\n')
}
