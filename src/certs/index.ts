/** The public names of `vouch/certs`, which creates, renews and inspects certificates. */
import { checkNodeVersion } from '../core/node-version.ts'

export type { CertificateInfo } from '../x509/certificate-info.ts'
export {
  type CAOptions,
  CertificateAuthority,
  createCA,
  type IssueOptions,
  type IssueServerOptions,
  loadCA,
} from './authority.ts'
export { createSelfSignedCert, type SelfSignedCert, type SelfSignedCertOptions } from './create.ts'
export { type FetchCertOptions, fetchCert } from './fetch.ts'
export { inspectCert } from './inspect.ts'
export type { HashName, KeyType } from './keys.ts'
export type { CertOptions } from './options.ts'
export type { CertificatePair } from './pair.ts'
export { type EnsuredCert, type EnsureSelfSignedCertOptions, ensureSelfSignedCert } from './renew.ts'
export { type CertWatch, type WatchCertOptions, watchCert } from './watch.ts'

checkNodeVersion()
