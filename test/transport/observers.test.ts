/** Tracing and mocks see requests as those of other clients, and none of them decides what is trusted. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import dc from 'node:diagnostics_channel'
import http, { type ClientRequest } from 'node:http'
import https from 'node:https'
import { after, test } from 'node:test'
import { get, post } from '../../src/index.ts'
import { selfSigned } from '../helpers/pki.ts'
import { startHttpServer, startHttpsServer } from '../helpers/servers.ts'

const certificate = selfSigned({ hosts: ['localhost'] })
const seen: string[][] = []
const handler = (request: http.IncomingMessage, response: http.ServerResponse) => {
  seen.push(request.rawHeaders)
  response.end('answered')
}
const secure = await startHttpsServer({ key: certificate.key, cert: certificate.certificate, handler })
const plain = await startHttpServer({ handler })
after(() => Promise.all([secure.close(), plain.close()]))
const url = `https://localhost:${secure.port}/`
const verify = certificate.certificate

test('a subscriber of http.client.request.created may set headers: they are sent beside ours, in our order and spelling', async () => {
  const trace = (message: unknown) => (message as { request: ClientRequest }).request.setHeader('traceparent', '00-1')
  dc.subscribe('http.client.request.created', trace)
  try {
    seen.length = 0
    for (const target of [url, `http://localhost:${plain.port}/`]) {
      const response = await post(target, { verify, data: 'x', headers: { 'X-Two': ['1', '2'], 'x-last': '3' } })
      assert.equal(response.statusCode, 200)
    }
    for (const headers of seen) {
      const names = headers.filter((_, index) => index % 2 === 0)
      assert(names.includes('traceparent'))
      assert.deepEqual(
        names.filter((name) => name !== 'traceparent'),
        ['Host', 'User-Agent', 'Accept-Encoding', 'Accept', 'Connection', 'X-Two', 'X-Two', 'x-last', 'Content-Length'],
      )
    }
  } finally {
    dc.unsubscribe('http.client.request.created', trace)
  }
})

test('a replaced http.request is called, as tracers want it', async (t) => {
  const called = [t.mock.method(https, 'request'), t.mock.method(http, 'request')]
  await get(url, { verify })
  await get(`http://localhost:${plain.port}/`)
  assert.deepEqual(
    called.map(({ mock }) => mock.callCount()),
    [1, 1],
  )
})

test('a replaced http.request that brings another agent is an error, and nothing is sent', async (t) => {
  const original = https.request
  // vouch-audit: this is what must not get through
  const agent = new https.Agent({ rejectUnauthorized: false })
  t.mock.method(https, 'request', (options: https.RequestOptions) => original({ ...options, agent }))
  const connections = secure.requests
  await assert.rejects(get(url, { verify }), { name: 'RequestException', code: 'ERR_FOREIGN_AGENT' })
  await assert.rejects(get(url), { code: 'ERR_FOREIGN_AGENT' })
  assert.equal(secure.requests, connections)
})

/** As @mswjs/interceptors has it, below msw and nock. */
class MockAgent extends https.Agent {
  readonly customAgent: https.Agent

  constructor(customAgent: https.Agent) {
    super()
    this.customAgent = customAgent
  }

  override createConnection(...[options, callback]: Parameters<https.Agent['createConnection']>) {
    return this.customAgent.createConnection({ ...options, ...this.customAgent.options }, callback)
  }
}

test("a mock's agent that asks ours for connections leaves trust as it is", async (t) => {
  const original = https.request
  t.mock.method(https, 'request', (options: https.RequestOptions) => {
    return original({ ...options, agent: new MockAgent(options.agent as https.Agent) })
  })
  assert.equal((await get(url, { verify })).text, 'answered')
  await assert.rejects(get(url), { name: 'SSLError', reason: 'self-signed' })
})
