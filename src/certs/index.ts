/** Certificates of one's own: `import { createSelfSignedCert } from 'vouch/certs'`. */
export { createSelfSignedCert, type SelfSignedCert, type SelfSignedCertOptions } from './create.ts'
export type { HashName, KeyType } from './keys.ts'
