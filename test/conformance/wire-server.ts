/** A server that notes what arrives and answers by path: one for each side of the comparison. */

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { startServer } from '../helpers/tcp.ts'

/** A request as it arrived. */
export interface Arrived {
  readonly method: string
  readonly target: string
  /** `Name: value` in order and spelling. */
  readonly headers: readonly string[]
  readonly body: Buffer
}

export interface WireServer extends AsyncDisposable {
  readonly url: string
  readonly port: number
  /** What arrived, by case. */
  readonly arrived: Map<number, Arrived[]>
  /** From now on requests belong to this case. */
  begin(index: number): void
}

export async function startWireServer(): Promise<WireServer> {
  const arrived = new Map<number, Arrived[]>()
  let current = -1
  const begin = (index: number) => {
    current = index
    arrived.set(index, [])
  }
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', rawHeaders } = request
    const mark = /^\/__case__\/(\d+)$/.exec(target)
    if (mark) {
      begin(Number(mark[1]))
      response.end()
      return
    }
    const headers = rawHeaders.flatMap((name, at) => (at % 2 === 0 ? [`${name}: ${rawHeaders[at + 1]}`] : []))
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    arrived.get(current)?.push({ method, target, headers, body: Buffer.concat(chunks) })
    answer(request, response)
  })
  // What requests sends without a Host header, or with two, is to be seen as well.
  const { port, close } = await startServer(server)
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    arrived,
    begin,
    [Symbol.asyncDispose]: close,
  }
}

type Answer = (response: ServerResponse, query: URLSearchParams, request: IncomingMessage) => unknown

const TEXT = 'Grüße aus Köln'

/** By the first part of the path. */
const ANSWERS: Readonly<Record<string, Answer>> = {
  redirect: (response, query) => {
    const location = Buffer.from(query.get('to') ?? '', 'utf8').toString('latin1')
    const cookie = query.get('cookie')
    response.writeHead(Number(query.get('status') ?? 302), {
      ...(query.has('to') && { Location: location }),
      ...(cookie !== null && { 'Set-Cookie': cookie }),
    })
    response.end('moved')
  },
  loop: (response) => response.writeHead(302, { Location: '/loop' }).end(),
  status: (response, query) => {
    const code = Number(query.get('code'))
    response.writeHead(code, query.get('reason') ?? undefined)
    response.end(code === 204 || code === 304 ? undefined : 'body')
  },
  cookies: (response, query) => response.setHeader('Set-Cookie', query.getAll('set')).end('set'),
  text: (response, query) => {
    const type = query.get('type')
    if (type) response.setHeader('Content-Type', type)
    response.end(Buffer.from(TEXT, (query.get('as') ?? 'utf8') as BufferEncoding))
  },
  json: (response, query) => {
    response.setHeader('Content-Type', query.get('type') ?? 'application/json')
    response.end(Buffer.from(query.get('hex') ?? '7b2261223a317d', 'hex'))
  },
  encoded: (response, query) => {
    const how = query.get('how') ?? ''
    const body = Buffer.from(TEXT.repeat(50))
    response.setHeader('Content-Encoding', how)
    response.setHeader('Content-Type', 'text/plain; charset=utf-8')
    const encodings: Record<string, (data: Buffer) => Buffer> = {
      gzip: gzipSync,
      'x-gzip': gzipSync,
      GZIP: gzipSync,
      deflate: query.has('raw') ? deflateRawSync : deflateSync,
      br: brotliCompressSync,
      'gzip, deflate': (data) => deflateSync(gzipSync(data)),
      identity: (data) => data,
      unknown: (data) => data,
    }
    const encoded = query.has('broken') ? Buffer.from('this is not compressed') : (encodings[how]?.(body) ?? body)
    response.end(query.has('short') ? encoded.subarray(0, encoded.length - 12) : encoded)
  },
  links: (response, query) => response.setHeader('Link', query.getAll('link')).end(),
  headers: (response) => {
    response.setHeader('X-One', ['a', 'b'])
    response.setHeader('X-Latin', 'caf\xe9')
    response.end()
  },
  chunks: (response) => {
    // Straight to the socket: Node 26 makes one chunk of what is written at once.
    const chunks = ['one\ntw', 'o\r\nthree', '\n\nfive', ''].map((text) => `${text.length}\r\n${text}\r\n`)
    response.socket?.end(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks.join('')}`)
  },
  wire: (response, query) => {
    // Straight to the socket: what Node would not send.
    const bytes = Buffer.from(query.get('hex') ?? '', 'hex').toString('latin1')
    response.socket?.end(bytes.replace('{fill}', 'x'.repeat(70_000)), 'latin1')
  },
  reset: (response) => (response.socket as Socket).resetAndDestroy(),
  silence: () => {},
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '/', 'http://server')
  const name = url.pathname.split('/')[1] ?? ''
  const found = Object.hasOwn(ANSWERS, name) ? ANSWERS[name] : undefined
  if (found) found(response, url.searchParams, request)
  else response.setHeader('Content-Type', 'text/plain').end('ok')
}
