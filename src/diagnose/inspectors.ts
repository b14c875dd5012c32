/** Products that inspect TLS: they intercept connections and issue certificates of their own. */
import type { X509Certificate } from 'node:crypto'
import { nameInOneLine } from '../x509/certificate-info.ts'

/** The product, and the name of its CA. */
export interface Inspector {
  readonly product: string
  readonly issuer: string
}

/** The product recognised by the issuers in the chain; `undefined` if none is. */
export function inspectorIn(chain: readonly X509Certificate[]): Inspector | undefined {
  // By issuers only: the makers of these products have web sites too.
  for (const { issuer } of chain) {
    const known = PRODUCTS.find(([, pattern]) => pattern.test(issuer))
    if (known) return { product: known[0], issuer: nameInOneLine(issuer) }
  }
  return undefined
}

/** The default names of their CAs. */
const PRODUCTS: readonly (readonly [product: string, name: RegExp])[] = [
  ['Zscaler', /zscaler/i],
  ['Netskope', /netskope|goskope/i],
  ['Palo Alto Networks', /palo ?alto|prisma access|globalprotect/i],
  ['Fortinet', /fortinet|fortigate/i],
  ['Symantec (Blue Coat)', /blue ?coat|proxysg|symantec web security|broadcom.*(?:swg|proxy)/i],
  ['Cisco', /cisco (?:umbrella|secure access|swg)|ironport|opendns/i],
  ['Forcepoint', /forcepoint|websense/i],
  ['Skyhigh (McAfee)', /mcafee.*(?:gateway|proxy)|skyhigh/i],
  ['Check Point', /check ?point.*(?:https|gateway|inspection|ca\b)/i],
  ['Sophos', /sophos/i],
  ['Barracuda', /barracuda/i],
  ['WatchGuard', /watchguard|fireware/i],
  ['SonicWall', /sonicwall/i],
  ['Trend Micro', /trend micro|iwsva/i],
  ['iboss', /\biboss\b/i],
  ['Cloudflare Gateway', /gateway ca - cloudflare/i],
  ['Menlo Security', /menlo security/i],
  ['Cato Networks', /cato networks/i],
  ['Smoothwall', /smoothwall/i],
  ['Lightspeed Systems', /lightspeed/i],
  ['Securly', /securly/i],
  ['Kaspersky', /kaspersky/i],
  ['ESET', /\beset\b.*(?:ssl filter|ca)/i],
  ['Avast or AVG', /avast|avg (?:web|technologies)/i],
  ['Bitdefender', /bitdefender/i],
  ['Norton', /norton.*(?:shield|root)/i],
  ['AdGuard', /adguard/i],
  ['mitmproxy', /mitmproxy/i],
  ['Charles', /charles proxy/i],
  ['Fiddler', /fiddler/i],
  ['Burp Suite', /portswigger/i],
  ['OWASP ZAP', /owasp.*(?:zap|zed)/i],
  ['Proxyman', /proxyman/i],
  ['HTTP Toolkit', /http toolkit/i],
  ['squid', /\bsquid\b/i],
]
