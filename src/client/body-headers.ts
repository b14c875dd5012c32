/** The headers that describe a body: Content-Type, Content-Length and Transfer-Encoding. */
import type { EncodedBody } from '../body/encode.ts'
import type { HeaderMap } from '../http/headers.ts'

/** Sets the headers for a body; the user's Content-Type stays. */
export function setBodyHeaders(method: string, headers: HeaderMap, encoded: EncodedBody): void {
  const { contentType } = encoded
  if (contentType !== undefined && lacksContentType(headers, contentType)) headers.set('Content-Type', contentType)
  headers.delete('Content-Length')
  headers.delete('Transfer-Encoding')
  setLengthHeaders(method, headers, encoded)
}

/** Overrides the length headers that the user set: a wrong length would join two requests on the connection. */
export function setLengthHeaders(method: string, headers: HeaderMap, { content, contentLength }: EncodedBody): void {
  const hasLength = contentLength !== undefined && (content !== undefined || (method !== 'GET' && method !== 'HEAD'))
  const framing = [
    ['Content-Length', hasLength ? String(contentLength) : undefined],
    ['Transfer-Encoding', contentLength === undefined ? 'chunked' : undefined],
  ] as const
  for (const [name, value] of framing) {
    if (headers.get(name) === value) continue
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
}

/** Whether the user set no Content-Type, or `multipart/form-data` without a boundary. */
function lacksContentType(headers: HeaderMap, contentType: string): boolean {
  const given = headers.get('Content-Type')
  if (given === undefined) return true
  return contentType.startsWith('multipart/form-data;') && /^\s*multipart\/form-data\s*;?\s*$/i.test(given)
}
