/** Sends a prepared request, including proxies, cookies, challenges, hooks and redirects. */

import { withDeadline } from '../core/deadline.ts'
import { ChunkedEncodingError, ContentDecodingError, RequestException, TooManyRedirects } from '../core/errors.ts'
import type { CookieJar } from '../http/cookies.ts'
import type { Adapter, AdapterResponse } from '../transport/adapter.ts'
import { proxyFor } from '../transport/proxies.ts'
import type { PreparedRequest, ResponseHook } from './prepared-request.ts'
import { redirectStep } from './redirects.ts'
import { Response } from './response.ts'
import type { Settings } from './settings.ts'

/** The part of a session that sends. */
export interface Sender {
  /** The cookies of the session; those of responses are added. */
  readonly cookies: CookieJar
  getAdapter(url: URL): Adapter
}

/**
 * Sends a request and those that it is redirected to.
 *
 * @throws RequestException of the kind that fits, or the signal's reason
 */
export async function dispatch(sender: Sender, first: PreparedRequest, settings: Settings): Promise<Response> {
  try {
    const history: Response[] = []
    let request = first.pendingAuth ? await withDeadline(first.pendingAuth, settings) : first
    let hop = request.crossOrigin ? { ...settings, cert: undefined } : settings
    for (;;) {
      let response = await sendThroughAdapter(sender, request, hop)
      if (isChallenge(response)) response = await respondToChallenge(sender, response, hop)
      if (request.hooks.length > 0) response = await runHooks(request.hooks, response, hop)
      if (history.length > 0) response.history = [...history]
      const location = locationOf(response)
      if (location === undefined || !settings.allowRedirects) {
        if (location !== undefined) response.next = nextRequest(response, location, settings)
        if (!settings.stream) await response.read()
        return response
      }
      await skipBody(response)
      if (history.length >= settings.maxRedirects) {
        throw new TooManyRedirects(`Exceeded ${settings.maxRedirects} redirects.`, { response })
      }
      history.push(response)
      if (request.adoptsSessionCookies) request.cookies.update(sender.cookies)
      const next = redirectedFrom(response, location, settings)
      // Compare with the request we sent: a hook may have returned a response that belongs to another request.
      if (next.target.origin !== request.target.origin) hop = { ...hop, cert: undefined }
      request = next
    }
  } catch (error) {
    // The request owns the streams of its body.
    first.encoded.destroy?.()
    throw error
  }
}

/** Sends through the adapter and the proxy for the URL, and stores the cookies of the response. */
async function sendThroughAdapter(sender: Sender, request: PreparedRequest, settings: Settings): Promise<Response> {
  const started = performance.now()
  request.finalizeBodyHeaders()
  const { target } = request
  const received = await sendRequest(sender.getAdapter(target), request, settings)
  const response = new Response(received, request, performance.now() - started, settings.maxResponseSize)
  const setCookie = response.headerValues('set-cookie')
  if (setCookie.length > 0) {
    sender.cookies.store(setCookie, target)
    if (request.cookies !== sender.cookies) request.cookies.store(setCookie, target)
  }
  return response
}

/** Sends through the proxy for the URL, if there is one. An error refers to the request. */
export async function sendRequest(
  adapter: Adapter,
  request: PreparedRequest,
  settings: Settings,
): Promise<AdapterResponse> {
  const { method, target, headers, body, rewindable } = request
  try {
    const proxy = proxyFor(target, settings.proxyRules)
    const hop = proxy === undefined ? settings : { ...settings, proxy }
    return await adapter.send({ method, target, headers, body, rewindable }, hop)
  } catch (error) {
    throw withRequest(error, request)
  }
}

/** The error, which refers to the request from now on. */
export function withRequest(error: unknown, request: PreparedRequest): unknown {
  if (error instanceof RequestException) error.request ??= request
  return error
}

/** Calls the hooks. Without `stream` the body is read before, so that hooks see the response as the caller will. */
async function runHooks(hooks: readonly ResponseHook[], first: Response, settings: Settings): Promise<Response> {
  let response = first
  try {
    const followed = settings.allowRedirects && locationOf(response) !== undefined
    if (!settings.stream) await (followed ? skipBody(response) : response.read())
    for (const hook of hooks) {
      const other: unknown = await withDeadline(Promise.resolve(hook(response)), settings)
      if (other === undefined || other === null) continue
      if (!(other instanceof Response)) throw new TypeError('a response hook must return a Response, or nothing')
      response = other
    }
  } catch (error) {
    response.close()
    throw error
  }
  return response
}

function isChallenge(response: Response): boolean {
  const { statusCode } = response
  return statusCode >= 400 && statusCode < 500 && response.header('www-authenticate') !== undefined
}

/** Sends the request again if its auth responds to the challenge, which becomes the history; else returns the challenge. */
async function respondToChallenge(sender: Sender, challenge: Response, settings: Settings): Promise<Response> {
  let authorized: PreparedRequest | undefined
  try {
    authorized = await withDeadline(
      challenge.request.withChallengeResponse(challenge.headerValues('www-authenticate')),
      settings,
    )
    if (authorized === undefined) return challenge
    await skipBody(challenge)
  } catch (error) {
    challenge.close()
    throw error
  }
  const response = await sendThroughAdapter(sender, authorized, settings)
  response.history = [challenge]
  return response
}

/** The Location of a redirect; `undefined` for other responses, and if it is empty. */
function locationOf(response: Response): string | undefined {
  return (response.isRedirect && response.header('location')) || undefined
}

/** The request that follows a redirect. @throws RequestException, with the response, if the Location cannot be requested */
function redirectedFrom(response: Response, location: string, { env }: Settings): PreparedRequest {
  try {
    return response.request.redirected(redirectStep(response.request, response.statusCode, location), env)
  } catch (error) {
    if (error instanceof RequestException) {
      error.request ??= response.request
      error.response ??= response
    }
    throw error
  }
}

/** Response.next: the request that follows a redirect; `null` if the Location cannot be requested. */
function nextRequest(response: Response, location: string, settings: Settings): PreparedRequest | null {
  try {
    return redirectedFrom(response, location, settings)
  } catch (error) {
    if (error instanceof RequestException) return null
    throw error
  }
}

/** Reads the body of a redirect, so that its connection can be used again. A damaged body is no error there, as in requests. */
async function skipBody(response: Response): Promise<void> {
  try {
    await response.read()
  } catch (error) {
    if (!(error instanceof ChunkedEncodingError || error instanceof ContentDecodingError)) throw error
  }
}
