/** What is sent of a request that was changed after it was prepared. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PreparedRequest, Request, Session } from '../../src/index.ts'
import { type Echo, startHttpServer } from '../helpers/servers.ts'

for (const [what, change] of [
  ['takes the length away', (request: PreparedRequest) => request.headers.delete('Content-Length')],
  ['sets a length that is too short', (request: PreparedRequest) => request.headers.set('Content-Length', '1')],
  ['appends another length', (request: PreparedRequest) => request.headers.append('content-length', '1')],
  ['sets an encoding', (request: PreparedRequest) => request.headers.set('Transfer-Encoding', 'chunked')],
] as const) {
  test(`who ${what} mixes up no two requests`, async () => {
    await using server = await startHttpServer()
    await using session = new Session()
    const auth = (request: PreparedRequest): void => {
      change(request)
    }
    const data = 'aGET /evil HTTP/1.1\r\nHost: x\r\n\r\n'
    const prepared = session.prepareRequest(new Request('POST', server.url127, { data }))
    change(prepared)
    const responses = [await session.post(server.url127, { data, auth }), await session.send(prepared)]
    for (const response of responses) {
      const { body, headers } = response.json<Echo>()
      assert.deepEqual([body, headers['content-length'], headers['transfer-encoding']], [data, '32', undefined])
    }
    assert.equal((await session.get(`${server.url127}/next`)).json<Echo>().url, '/next')
    assert.deepEqual([server.requests, server.connections], [3, 1])
  })
}

test('a method that is changed afterwards has the length that belongs to it', async () => {
  await using server = await startHttpServer()
  await using session = new Session()
  const prepared = session.prepareRequest(new Request('GET', server.url127))
  prepared.method = 'POST'
  assert.equal((await session.send(prepared)).json<Echo>().headers['content-length'], '0')
})
