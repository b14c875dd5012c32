/** Default certificates that servers present if they have none for the requested name. */
import type { X509Certificate } from 'node:crypto'
import * as say from './texts.ts'

/** The product whose placeholder has this name; `undefined` if none is known. The name alone proves nothing. */
function placeholderOf({ subject }: X509Certificate): string | undefined {
  return PRODUCTS.find(([, pattern]) => pattern.test(subject))?.[0]
}

const PRODUCTS: readonly (readonly [product: string, name: RegExp])[] = [
  ['ingress-nginx', /^CN=Kubernetes Ingress Controller Fake Certificate$/m],
  ['Traefik', /^CN=TRAEFIK DEFAULT CERT$/m],
  ['Apache', /^O=SomeOrganization$/m],
  ['Plesk', /^CN=Plesk$/m],
  ['Google', /^CN=invalid2\.invalid$/m],
  ['Synology', /^CN=synology(?:\.com)?$/im],
]

export function placeholderFindings(server: X509Certificate, host: string): string[] {
  const product = placeholderOf(server)
  return product === undefined ? [] : [say.placeholder(product, server, host)]
}

export function placeholderHints(server: X509Certificate): string[] {
  return placeholderOf(server) === undefined ? [] : [say.PLACEHOLDER_HINT]
}
