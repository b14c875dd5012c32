/** Real tracing and real mocks, which replace functions of Node: each in a process of its own. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { moduleUrl } from '../helpers/modules.ts'
import { selfSigned } from '../helpers/pki.ts'
import { outputOf } from '../helpers/processes.ts'
import { startHttpsServer } from '../helpers/servers.ts'

const FOLDER = 'test/observers'
const skip = !existsSync(`${FOLDER}/node_modules`) && `the observers are not installed: npm ci in ${FOLDER}`

const certificate = selfSigned({ hosts: ['localhost'] })
const received: Map<string, string | undefined> = new Map()

async function observed(name: string): Promise<{ outcomes: object; seen: { url: string; trace: string }[] }> {
  await using server = await startHttpsServer({
    key: certificate.key,
    cert: certificate.certificate,
    handler: (request, response) => {
      received.set(request.url ?? '', request.headers.traceparent as string | undefined)
      response.end('real')
    },
  })
  received.clear()
  const args = [name, moduleUrl('index'), `https://localhost:${server.port}/`, certificate.certificate]
  return JSON.parse(await outputOf(process.execPath, [resolve(FOLDER, 'observed.mjs'), ...args]))
}

test('OpenTelemetry sees a span for each request, and its traceparent arrives', { skip }, async () => {
  const { outcomes, seen } = await observed('opentelemetry')
  assert.deepEqual(outcomes, {
    'mocked with its CA': 'real',
    'real with its CA': 'real',
    'real with the default roots': 'self-signed',
  })
  assert.equal(seen.length, 3)
  assert.match(seen[0]?.url ?? '', /^https:\/\/localhost:\d+\/mocked$/)
  assert.equal(received.get('/mocked')?.split('-')[1], seen[0]?.trace)
})

for (const name of ['msw', 'nock']) {
  test(`${name} answers the mocked requests; others go to the server, and are verified`, { skip }, async () => {
    const { outcomes } = await observed(name)
    assert.deepEqual(outcomes, {
      'mocked with its CA': 'mocked',
      'real with its CA': 'real',
      'real with the default roots': 'self-signed',
    })
    assert.deepEqual([...received.keys()], ['/real'])
  })
}
