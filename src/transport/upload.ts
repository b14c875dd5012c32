/** Sends the body of a request, no faster than the connection accepts it. */
import type { ClientRequest } from 'node:http'
import { setImmediate } from 'node:timers/promises'
import type { WireBody } from './adapter.ts'
import type { Progress } from './progress.ts'

/**
 * Sends the body and ends the request. Bytes are sent at once, unless they are many or their progress is reported; of an iterable
 * only as much is read as the connection accepts. Resolves when everything is sent, or when the request closes.
 *
 * @param total in bytes; `undefined` if it is not known before the end
 * @throws what the body, or `onProgress`, throws
 */
export async function sendBody(
  request: ClientRequest,
  body: WireBody | undefined,
  total: number | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<void> {
  if (body !== undefined) destroyAfterEarlyResponse(request)
  if (onProgress === undefined && (body === undefined || (Buffer.isBuffer(body) && body.length <= MAX_WRITE_BYTES))) {
    request.end(body)
    return
  }
  const chunks = chunksOf(body)
  // If the request closes early, return() the generator so that it closes its file or socket.
  request.once('close', () => void chunks.return().catch(() => {}))
  const progress = new UploadProgress(total, onProgress)
  progress.add(0)
  let unbroken = 0
  for await (const chunk of chunks) {
    if (request.destroyed) return
    const isAccepted = request.write(chunk)
    progress.add(chunk.length)
    unbroken += chunk.length
    if (!isAccepted && !request.destroyed) await drained(request)
    if (unbroken < CHUNK_BYTES) continue
    // A response that has arrived is read in the next iteration of the event loop: it may make the rest unnecessary.
    unbroken = 0
    await setImmediate()
  }
  if (request.destroyed) return
  request.end()
  progress.complete()
}

async function* chunksOf(body: WireBody | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  if (Buffer.isBuffer(body)) {
    for (let start = 0; start < body.length; start += CHUNK_BYTES) yield body.subarray(start, start + CHUNK_BYTES)
  } else if (body !== undefined) yield* body
}

/** OpenSSL writes no more than 2 GiB at once, and Node would hold a second copy of the body. */
const MAX_WRITE_BYTES = 67_108_864

/** What a socket accepts at once. */
const CHUNK_BYTES = 65_536

/** Counts the bytes that were sent. */
class UploadProgress {
  readonly #total: number | undefined
  readonly #report: ((progress: Progress) => void) | undefined
  #transferred = 0

  constructor(total: number | undefined, onProgress: ((progress: Progress) => void) | undefined) {
    this.#total = total
    this.#report = onProgress
  }

  add(bytes: number): void {
    this.#transferred += bytes
    const transferred = this.#transferred
    const total = this.#total
    const percent = transferred === total ? 1 : transferred / (total ?? Number.POSITIVE_INFINITY)
    this.#report?.({ transferred, total, percent })
  }

  complete(): void {
    const transferred = this.#transferred
    this.#report?.({ transferred, total: transferred, percent: 1 })
  }
}

/**
 * Sends the headers, and waits. Resolves with `true` at `100 Continue` or after `limit` ms, with `false` at any other response or if
 * the request closes.
 */
export function serverAgrees(request: ClientRequest, limit: number): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (agreed: boolean) => {
      clearTimeout(timer)
      request.off('continue', agree).off('response', refuse).off('close', refuse)
      resolve(agreed)
    }
    const agree = () => end(true)
    const refuse = () => end(false)
    const timer = setTimeout(agree, limit)
    request.on('continue', agree).on('response', refuse).on('close', refuse)
    // Node itself does this only for an `Expect` among the options of its constructor.
    request.flushHeaders()
  })
}

/** Resolves when the request accepts more, or closes. */
function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off('drain', done).off('close', done)
      resolve()
    }
    request.on('drain', done).on('close', done)
  })
}

/** A response may end before the body is sent. If the server closes the connection then, it may not read the rest. */
function destroyAfterEarlyResponse(request: ClientRequest): void {
  request.once('response', (response) => {
    response.once('end', () => !request.writableFinished && !request.shouldKeepAlive && request.destroy())
  })
}
