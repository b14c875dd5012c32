/** `--verbose`: prints what was sent and received, without passwords and tokens. */
import { displayHeader } from '../core/credentials.ts'
import type { Response } from '../index.ts'
import { type Output, paint, printableLines } from './print.ts'
import { headOf } from './response-output.ts'

/** Prints the requests of a response and its redirects, the trust, and the headers, as curl does. */
export function trace(response: Response, output: Output): void {
  for (const each of [...response.history, response]) traceOne(each, output)
}

function traceOne(response: Response, output: Output): void {
  const { request, tls } = response
  const write = (mark: string, text: string) =>
    output.stderr.write(`${paint(output.stderr, 'dim', mark)} ${printableLines(text)}\n`)
  if (tls) {
    const { trust, verified } = tls
    const path = trust?.path === undefined ? '' : ` (${trust.path})`
    write('*', `${tls.protocol}, ${tls.cipher}; ${verified ? 'verified' : 'NOT VERIFIED'}${path}`)
    if (tls.peerCertificate) write('*', `SHA-256 ${tls.peerCertificate.fingerprint256}`)
  }
  write('>', `${request.method} ${request.pathUrl} HTTP/1.1`)
  write('>', `Host: ${request.target.host}`)
  for (const [name, value] of request.headers) write('>', `${name}: ${displayHeader(name, value)}`)
  write('>', '')
  for (const line of headOf(response)) write('<', withoutSecret(line))
  write('<', '')
}

function withoutSecret(line: string): string {
  const [name = '', value] = line.split(/:\s*(.*)/s)
  return value === undefined ? line : `${name}: ${displayHeader(name, value)}`
}
