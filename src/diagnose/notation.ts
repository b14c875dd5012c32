/** How certificates, servers and dates are written in messages. */
import type { X509Certificate } from 'node:crypto'
import { authorityOf, httpsAuthority } from '../core/address.ts'
import { printable } from '../core/printable.ts'
import type { Service } from '../core/service.ts'
import { plainAuthority } from '../core/shell.ts'
import { DAY_MS, nameInOneLine } from '../x509/certificate-info.ts'

/** The subject of a certificate, in quotes. */
export const called = (certificate: X509Certificate): string => quoted(certificate.subject)

export const quoted = (name: string | undefined): string => `'${printable(nameInOneLine(name)) || '(no name)'}'`

/** Distinguishes certificates of one name. */
export const identified = (certificate: X509Certificate): string =>
  `SHA-256 ${certificate.fingerprint256}, valid ${spanOf(certificate)}`

/** A server, of https if `service` is not given. */
export interface Server {
  readonly host: string
  readonly port: number
  readonly service?: Service | undefined
}

/** `localhost:8443` or `imap://localhost:143`, for a command; `undefined` if the host has characters that a shell could act on. */
export function serverArgument({ service, ...server }: Server): string | undefined {
  const argument = service ? urlOf({ service, ...server }) : plainAuthority(httpsAuthority(server))
  // Brackets are a pattern to a shell.
  return argument?.includes('[') ? `'${argument}'` : argument
}

/** The URL of a server, without a path; `undefined` if its host is not a plain name or address. */
export function urlOf({ service, ...server }: Server): string | undefined {
  const authority = plainAuthority(service ? authorityOf(server) : httpsAuthority(server))
  return authority && `${service?.scheme ?? 'https'}://${authority}`
}

/** The first of a list of hosts. */
export function listed(hosts: readonly string[]): string {
  const shown = hosts.slice(0, MAX_HOSTS).map((name) => printable(name))
  return hosts.length > MAX_HOSTS ? `${shown.join(', ')} … (${hosts.length})` : shown.join(', ')
}

const MAX_HOSTS = 12

/** `2026-11-25 to 2027-11-25` */
export function spanOf({ validFrom, validTo }: X509Certificate): string {
  return `${dayOf(validFrom)} to ${dayOf(validTo)}`
}

const dayOf = (date: string): string => iso(date).replace(/T.*/, '')

/** In seconds, the resolution of certificates. A server can present one with unparsable dates. */
export function iso(date: string | number): string {
  const at = new Date(date)
  return Number.isNaN(at.getTime()) ? '(no date)' : at.toISOString().replace(/\.\d+/, '')
}

/** In the largest suitable unit. */
export function duration(ms: number): string {
  const days = Math.floor(ms / DAY_MS)
  if (days >= 2) return `${days} days`
  const hours = Math.floor(ms / 3_600_000)
  return hours >= 2 ? `${hours} hours` : `${Math.max(1, Math.floor(ms / 60_000))} minutes`
}
