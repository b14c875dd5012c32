/** got, reduced to a stream over the response of a request that vouch creates. The only file that imports got. */
import type http from 'node:http'
import got, { Options, type Request, RequestError, type Response } from 'got'

export type GotStream = Request
export type GotResponse = Response

/**
 * got's stream of the response to `target`. got redirects, retries and decompresses nothing.
 *
 * @param send sends the request. got calls it on the next tick and receives only the response: it would drop the rest of a body
 *   that it sends itself when the response arrives early. Pass a bound method, not a literal: see {@link dropReferences}.
 */
export function openGotStream(target: URL, send: () => Promise<http.IncomingMessage>): GotStream {
  const stream = gotStream(target, undefined, GOT_DEFAULTS)
  stream.options.request = send
  // got reads inherited headers as well: an enumerable `null` on Object.prototype would fail every request.
  Object.setPrototypeOf(stream.options.getInternalHeaders(), null)
  stream.end()
  return stream
}

/** The options that are equal for all requests: redirects, retries and cookies are the session's. */
const GOT_DEFAULTS = new Options(undefined, {
  followRedirect: false,
  throwHttpErrors: false,
  // See body/decode.ts: got supports neither raw deflate nor several encodings at once.
  decompress: false,
  responseType: 'buffer',
  strictContentLength: false,
})
GOT_DEFAULTS.isStream = true
// got copies all options for each request: the fewer, the faster.
GOT_DEFAULTS.retry = { limit: 0, methods: [], statusCodes: [], errorCodes: [] }
for (const unused of ['agent', 'cacheOptions', 'headers', 'https', 'pagination', 'timeout'] as const)
  GOT_DEFAULTS[unused] = {}

/** got's third argument are default options; their `isStream` decides what it returns, which its types leave out. */
const gotStream = got as unknown as (url: URL, options: undefined, defaults: Options) => GotStream

/**
 * Drops the references of a stream whose request is done.
 *
 * V8 allocates a function literal that is assigned to a property (`this.onwrite = () => …`) in old space, with everything it
 * refers to; each stream of Node 24 and newer has such a literal, and so has each of got's. With its references each request
 * would stay until the next full collection: 11 µs of garbage collection per request, and half as much memory again.
 */
export function dropReferences(stream: GotStream): void {
  stream.removeAllListeners()
  // The body has been read: an error after that, such as an abort, has no reader, and must not be an uncaught exception.
  stream.on('error', ignore)
  Object.assign(stream, { options: undefined, response: undefined, _request: undefined })
}

function ignore(): void {}

/** The error that got wraps. Its wrapper holds the headers with their credentials, which would end up in logs. */
export function unwrapError(error: Error): Error {
  if (!(error instanceof RequestError)) return error
  const { cause, message, code } = error
  // For errors that got itself finds, such as a truncated response, the cause is a plain object.
  return cause instanceof Error ? cause : Object.assign(new Error(message), { code })
}
