/** `get`, `post` and the other verbs as functions: each call has a session of its own. */
import type { Explanation } from '../diagnose/explanation.ts'
import { HTTPAdapter } from '../transport/http-adapter.ts'
import type { ExplainOptions } from './explain.ts'
import type { Response } from './response.ts'
import { Session } from './session.ts'
import type { RequestOptions } from './settings.ts'

/**
 * Sends one request.
 *
 * Cookies and settings are the call's own, as with `requests.request`; connections and CA certificates are shared by all
 * calls of the process.
 *
 * @throws RequestException of the kind that fits; TypeError for a wrong option; the signal's reason when aborted
 *
 * @example
 * const response = await request('GET', 'https://192.168.1.172:10330/tor', { verify: 'selfsigned.crt' })
 */
export function request(method: string, url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().request(method, url, options)
}

/** `GET`. @throws as {@link request} */
export function get(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().get(url, options)
}

/** `OPTIONS`. @throws as {@link request} */
export function options(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().options(url, options)
}

/** `HEAD`, without following redirects unless asked to. @throws as {@link request} */
export function head(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().head(url, options)
}

/** `POST`. @throws as {@link request} */
export function post(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().post(url, options)
}

/** `PUT`. @throws as {@link request} */
export function put(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().put(url, options)
}

/** `PATCH`. @throws as {@link request} */
export function patch(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().patch(url, options)
}

/** `DELETE`; the exported name is `delete`. @throws as {@link request} */
export function delete_(url: string | URL, options?: RequestOptions): Promise<Response> {
  return newSession().delete(url, options)
}

/**
 * Shakes hands with a server as a request would, through the same trust and proxies, and says why it is trusted or not, and
 * what to write to trust it. No request is sent.
 *
 * @throws InvalidSchema for anything but an `https:` URL; ConnectionError, ConnectTimeout, ProxyError when there is no
 *   connection to explain
 *
 * @example
 * const explanation = await explain('https://intranet.example/', { verify: 'company-ca.pem' })
 * if (!explanation.ok) console.error(String(explanation))
 */
export async function explain(url: string | URL, options?: ExplainOptions): Promise<Explanation> {
  // Loaded when asked for: programs that are trusted need none of it.
  const { explain } = await import('./explain.ts')
  return explain(url, options)
}

let shared: HTTPAdapter | undefined

/** Lives for one call; never closed, since its adapter is everybody's. Idle connections do not keep a process alive. */
function newSession(): Session {
  // More pools than a session has: calls from all over a program come together here.
  shared ??= new HTTPAdapter({ poolConnections: 100 })
  const session = new Session()
  session.mount('https://', shared)
  session.mount('http://', shared)
  return session
}
