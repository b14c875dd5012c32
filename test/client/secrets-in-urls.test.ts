/** I5: no password of a URL leaves in an error, a warning or a description, however the URL is written and wherever it is given. */
import '../helpers/environment.ts'
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { inspect } from 'node:util'
import { redirectStep } from '../../src/client/redirects.ts'
import { HeaderMap } from '../../src/http/headers.ts'
import { explain, get, HTTPAdapter, Request, Session } from '../../src/index.ts'
import { secretUrls } from '../helpers/secrets.ts'
import { startHttpServer } from '../helpers/servers.ts'

const server = await startHttpServer({
  handler: ({ url = '/' }, response) => {
    const location = new URL(url, 'http://a.test').searchParams.get('to')
    if (location === null) response.writeHead(500).end('<html>')
    else response.writeHead(302, { Location: location }).end()
  },
})
const closed = await startHttpServer()
await closed.close()
after(() => server.close())

/** A port on loopback to which nothing listens. */
const at = `127.0.0.1:${closed.port}`
const FORMS = secretUrls(at, closed.port)

const target = server.url127
const adapter = new HTTPAdapter()
const request = { method: 'GET', target: new URL(`${target}/`), headers: new HeaderMap() }
/** What may be done with such a URL; an error that it causes, and its result, are searched for the password. */
const PLACES: readonly (readonly [place: string, use: (url: string) => unknown])[] = [
  ['the URL of a request', (url) => get(url)],
  ['the URL of explain', (url) => explain(url)],
  ['the URL of a Request', (url) => new Request('GET', url)],
  ['a prepared request', (url) => new Request('GET', url).prepare()],
  ['a proxy', (url) => get(target, { proxies: { http: url } })],
  ['a proxy of a session', (url) => new Session({ proxies: { all: url } }).get(target)],
  ['a key of proxies', (url) => get(target, { proxies: { [url]: 'http://127.0.0.1:1' } })],
  ['a key of proxies with a wrong value', (url) => get(target, { proxies: { [url]: 5 as unknown as string } })],
  ['a Location that is followed', (url) => get(target, { params: { to: encodeURI(url) } })],
  ['a Location as received', async (url) => redirectStep(request, 302, url).url.href],
  ['a Location that is not followed', (url) => get(target, { params: { to: encodeURI(url) }, allowRedirects: false })],
  ['the prefix of an adapter', (url) => new Session().mount(url, adapter)],
  ['the prefix of a wrong adapter', (url) => new Session().mount(url, {} as typeof adapter)],
  ['the URL of getAdapter', (url) => new Session().getAdapter(url)],
  ['params as text', async (url) => (await get(target, { params: url })).raiseForStatus()],
  ['params as an object', async (url) => (await get(target, { params: { u: url } })).raiseForStatus()],
  ['params that are not JSON', async (url) => (await get(target, { params: { u: url } })).json()],
  ['params of a closed port', (url) => get(`http://${at}/`, { params: { u: url } })],
  ['a response that is too large', (url) => get(target, { params: { u: url }, maxResponseSize: 1 })],
  ['the name of a wrong parameter', (url) => get(target, { params: { [url]: {} as string } })],
  ['the name of a wrong file', (url) => get(target, { files: { [url]: 5 as unknown as string } })],
  ['a wrong method', (url) => new Session().request(url, target)],
  ['a wrong timeout', (url) => get(target, { timeout: url as unknown as number })],
  ['a wrong expiryWarning', (url) => get(target, { expiryWarning: url as unknown as number })],
  ['the name of an option', (url) => get(target, { [url]: 1 })],
  ['the name of a hook', (url) => get(target, { hooks: { [url]: () => {} } })],
  ['the name of a header', (url) => get(target, { headers: { [url]: 'x' } })],
  ['the name of a cookie', (url) => get(target, { cookies: { [url]: 'x' } })],
  ['the domain of a cookie', (url) => new Session().cookies.set('a', 'b', { domain: url })],
]

for (const [place, use] of PLACES) {
  test(`no password of a URL is shown: ${place}`, async () => {
    const warnings: Error[] = []
    const record = (warning: Error) => void warnings.push(warning)
    process.on('warning', record)
    try {
      for (const url of FORMS) {
        const outcome = await Promise.resolve()
          .then(() => use(url))
          .catch((error: unknown) => error)
        for (const text of shownOf(outcome)) assert.doesNotMatch(text, /hun|ter2/, JSON.stringify(url))
      }
      await new Promise(setImmediate)
      for (const warning of warnings) for (const text of shownOf(warning)) assert.doesNotMatch(text, /hun|ter2/)
    } finally {
      process.off('warning', record)
    }
  })
}

/** Everything that a log shows of a value: its description, its JSON, and of errors the message, the stack and the causes. */
function shownOf(value: unknown): string[] {
  const texts = [inspect(value, { depth: 9 }), String(JSON.stringify(value))]
  if (!(value instanceof Error)) return texts
  const { request, response } = value as { request?: { url: string }; response?: unknown }
  texts.push(String(value), value.message, String(value.stack), inspect([request, response], { depth: 9 }))
  // The query of a request is data; the rest of its URL holds no credentials.
  texts.push(...(request ? [request.url.replace(/\?.*/s, '')] : []))
  for (const key of Object.getOwnPropertyNames(value)) {
    if (key !== 'request' && key !== 'response') texts.push(inspect(Reflect.get(value, key), { depth: 9 }))
  }
  return value.cause === undefined ? texts : [...texts, ...shownOf(value.cause)]
}
