/** Certificates that servers present if they have none for the requested name. */
import type { X509Certificate } from 'node:crypto'

/** The product whose placeholder has this name; `undefined` if none is known. The name alone proves nothing. */
export function placeholderOf({ subject }: X509Certificate): string | undefined {
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
