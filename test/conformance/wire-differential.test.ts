import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { HTTPError, RequestException, Response, Session } from '../../src/index.ts'
import { PYTHON, type Versions, whyNoRequests } from './oracle.ts'
import { WIRE_CASES } from './wire-cases.ts'
import { type Outcome, WIRE_DIFFERENCES, type WireRecord } from './wire-differences.ts'
import { type Arrived, startWireServer, type WireServer } from './wire-server.ts'

test('what is sent and what is made of the answers is as with Python requests, but for the listed differences', {
  skip: whyNoRequests(),
  timeout: 110_000,
}, async (t) => {
  const { versions, outcomes: theirs } = await askPython()
  const ours = await askVouch()
  const applicable = WIRE_DIFFERENCES.filter(({ when }) => when?.(versions) ?? true)
  const shown = new Map(applicable.map((difference) => [difference, 0]))
  const unlisted: string[] = []
  for (const [index, [name]] of WIRE_CASES.entries()) {
    const their = theirs[index] as Outcome
    const our = ours[index] as Outcome
    let expected = their
    for (const difference of applicable) {
      if (difference.cases !== undefined && !difference.cases.test(name)) continue
      const adapted = difference.adapt(structuredClone(expected), our)
      if (JSON.stringify(adapted) === JSON.stringify(expected)) continue
      shown.set(difference, (shown.get(difference) ?? 0) + 1)
      expected = adapted
    }
    if (JSON.stringify(expected) !== JSON.stringify(our)) unlisted.push(`${name}\n${diff(expected, our)}`)
  }
  assert.equal(unlisted.length, 0, `${unlisted.length} cases differ:\n\n${unlisted.join('\n\n')}`)
  t.diagnostic(`${WIRE_CASES.length} cases against requests ${versions.requests}, urllib3 ${versions.urllib3}`)
  for (const [{ why, optional }, times] of shown) {
    t.diagnostic(`${times} cases: ${why}`)
    assert(times > 0 || optional, `"${why}" does not show: take it from the list`)
  }
})

async function askPython(): Promise<{ versions: Versions; outcomes: Outcome[] }> {
  await using server = await startWireServer()
  const script = fileURLToPath(new URL('wire-oracle.py', import.meta.url))
  const child = spawn(PYTHON, [script], { stdio: ['pipe', 'pipe', 'inherit'], timeout: 60_000 })
  child.stdin.end(JSON.stringify([server.url, WIRE_CASES.map(([, python]) => python)]))
  const [output, [status]] = await Promise.all([text(child.stdout), once(child, 'close')])
  assert.equal(status, 0, 'wire-oracle.py failed')
  const { versions, answers } = JSON.parse(output)
  const outcomes = WIRE_CASES.map((_, index) => outcome(server, index, answers[index].result, answers[index].cookies))
  return { versions, outcomes }
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
    content: createHash('sha256').update(response.content).digest('hex'),
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

/** One side's part of a case, with what is bound to differ by chance (ports, boundaries) written the same. */
function outcome(server: WireServer, index: number, result: unknown, cookies: [string, string][]): Outcome {
  const arrived = (server.arrived.get(index) ?? []).map(normalize)
  const plain = JSON.stringify({ arrived, result, cookies }).replaceAll(String(server.port), 'PORT')
  return JSON.parse(plain)
}

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
