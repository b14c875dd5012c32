/** `get`, `post` and the other verbs as functions: each call uses its own session. */
import type { Explanation } from '../diagnose/explanation.ts'
import { HTTPAdapter } from '../transport/http-adapter.ts'
import type { ExplainOptions } from './explain.ts'
import { type Fetch, fetchWith } from './fetch.ts'
import type { Response } from './response.ts'
import { Session } from './session.ts'
import type { RequestOptions } from './settings.ts'

/**
 * Sends one request.
 *
 * As with `requests.request`, cookies and settings belong to the call; connections and CA certificates are shared by all
 * calls of the process.
 *
 * @throws RequestException, as one of its subclasses; TypeError for a wrong option; the signal's reason if it is aborted
 *
 * @example
 * const response = await request('GET', 'https://192.168.1.172:10330/tor', { verify: 'selfsigned.crt' })
 */
export function request(method: string, url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().request(method, url, options)
}

/**
 * Sends a GET request and reads its response. A status of 400 or above is not an error; `raiseForStatus()` throws for it.
 *
 * @param url may contain a query; `params` are appended to it
 * @param options `params`, `headers`, `auth`, `timeout` in ms, and for trust `verify`: a path, PEM text, a pin, a `CABundle` …
 * @throws as {@link request}
 *
 * @example
 * const response = await get('https://intranet.example/users', { params: { page: 2 }, verify: 'company-ca.pem' })
 * const users = response.raiseForStatus().json()
 */
export function get(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().get(url, options)
}

/** Sends an OPTIONS request. @throws as {@link request} */
export function options(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().options(url, options)
}

/** Sends a HEAD request; follows redirects only with `allowRedirects: true`. @throws as {@link request} */
export function head(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().head(url, options)
}

/**
 * Sends a POST request with a body and reads its response.
 *
 * @param options the body is one of `json` (any value), `data` (text, bytes, a stream, or an object as a form) and `files`
 *   (multipart, with the fields of `data`); and the options of {@link get}
 * @throws as {@link request}
 *
 * @example
 * await post('https://api.example/users', { json: { name: 'Ada' } })
 * await post('https://192.168.1.172:10330/tor', { files: { file: createReadStream('a.bin') }, verify: 'selfsigned.crt' })
 */
export function post(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().post(url, options)
}

/** Sends a PUT request; the body is given as for {@link post}. @throws as {@link request} */
export function put(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().put(url, options)
}

/** Sends a PATCH request; the body is given as for {@link post}. @throws as {@link request} */
export function patch(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().patch(url, options)
}

/** Sends a DELETE request; the exported name is `delete`. @throws as {@link request} */
export function delete_(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().delete(url, options)
}

/**
 * Performs the TLS handshake of a request, with the same trust settings and proxies, and explains why the server is trusted
 * or not, and how to trust it. No request is sent.
 *
 * @param url `https://host`, or another protocol with TLS: `postgres://host`, `smtp://host`, `tls://host:port` …
 * @throws InvalidSchema for another scheme; InvalidURL; ConnectionError, ConnectTimeout, ProxyError if the connection fails
 *   before the handshake
 *
 * @example
 * const explanation = await explain('https://intranet.example/', { verify: 'company-ca.pem' })
 * if (!explanation.ok) console.error(String(explanation))
 */
export async function explain(url: string | URL, options?: ExplainOptions): Promise<Explanation> {
  // Loaded on demand: most programs never call it.
  const { explain } = await import('./explain.ts')
  return explain(url, options)
}

/**
 * Like the global `fetch`, with vouch's trust settings: the environment's bundle, else the default roots. To use a private CA, see
 * {@link Session.fetch}.
 *
 * @throws TypeError `fetch failed: …`, with vouch's error as its cause; the signal's reason if it is aborted
 *
 * @example
 * const openai = new OpenAI({ fetch })
 */
export const fetch: Fetch = (input, init = undefined) => fetchWith(newSession(), input, init)

let shared: HTTPAdapter | undefined

/** A session for one call. It is not closed: all calls share its adapter, and idle connections do not keep a process alive. */
function newSession(): Session {
  shared ??= new HTTPAdapter()
  const session = new Session()
  session.mount('https://', shared)
  session.mount('http://', shared)
  return session
}
