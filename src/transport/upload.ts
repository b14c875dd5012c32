/** Sends the body of a request. */
import type { ClientRequest } from 'node:http'
import type { Progress, WireBody } from './adapter.ts'

/**
 * Sends the body and ends the request: bytes at once, unless somebody wants to see them go; of an iterable no more is taken
 * than the connection takes. Resolves when there is no more to be sent, or nobody to send it to.
 *
 * @param total in bytes; `undefined` when it is not known before the end
 * @throws what the body, or `onProgress`, throws
 */
export async function sendBody(
  request: ClientRequest,
  body: WireBody | undefined,
  total: number | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<void> {
  if (body !== undefined) endWithAnswer(request)
  if (onProgress === undefined && (body === undefined || Buffer.isBuffer(body))) {
    request.end(body)
    return
  }
  const pieces = piecesOf(body)
  // What a body holds that is given up is closed.
  request.once('close', () => void pieces.return().catch(() => {}))
  const tell = teller(total, onProgress)
  tell(0)
  for await (const piece of pieces) {
    if (request.destroyed) return
    const isTaken = request.write(piece)
    tell(piece.length)
    if (!isTaken && !request.destroyed) await drained(request)
  }
  if (request.destroyed) return
  request.end()
  tell(0, true)
}

async function* piecesOf(body: WireBody | undefined): AsyncGenerator<Uint8Array, void, undefined> {
  if (Buffer.isBuffer(body)) {
    for (let start = 0; start < body.length; start += PIECE) yield body.subarray(start, start + PIECE)
  } else if (body !== undefined) yield* body
}

/** Bytes; what a socket takes at once. */
const PIECE = 65_536

/** Tells how far the upload is after so many bytes more; of the end once only. */
function teller(
  total: number | undefined,
  onProgress: ((progress: Progress) => void) | undefined,
): (bytes: number, isEnd?: boolean) => void {
  let transferred = 0
  let isOver = onProgress === undefined
  return (bytes, isEnd = false) => {
    transferred += bytes
    if (isOver) return
    isOver = isEnd || transferred === total
    onProgress?.({
      transferred,
      total: isEnd ? transferred : total,
      percent: isOver ? 1 : transferred / (total ?? Number.POSITIVE_INFINITY),
    })
  }
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      request.off('drain', done).off('close', done)
      resolve()
    }
    request.on('drain', done).on('close', done)
  })
}

/** An answer may come before the body has been sent to its end; a server that will close the connection may read no more. */
function endWithAnswer(request: ClientRequest): void {
  request.once('response', (response) => {
    response.once('end', () => !request.writableFinished && !request.shouldKeepAlive && request.destroy())
  })
}
