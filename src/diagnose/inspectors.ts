/** Programs and services that inspect TLS: they stand in the middle and issue certificates of their own. */
import type { X509Certificate } from 'node:crypto'
import { nameInOneLine } from '../x509/certificate-info.ts'

/** Who inspects, and the name of the authority that shows it. */
export interface Inspector {
  readonly product: string
  readonly issuer: string
}

/** Recognised by the names in the chain; `undefined`: nobody that is known. */
export function inspectorIn(chain: readonly X509Certificate[]): Inspector | undefined {
  // Not by subjects of servers: these products have web sites too.
  for (const { issuer } of chain) {
    const known = PRODUCTS.find(([, pattern]) => pattern.test(issuer))
    if (known) return { product: known[0], issuer: nameInOneLine(issuer) }
  }
  return undefined
}

/** By the names that their authorities have when nobody changes them. */
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
