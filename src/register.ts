/**
 * `node --import vouch/register app.js`: every client of the process that uses Node's default roots (`fetch`, `https`, undici,
 * got, axios …) also trusts the file or directory that `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE`, names.
 *
 * For applications: a library must not change the trust of its process. The bundle is read once, at the start. If it cannot be
 * used, the process prints the reason and exits with status 1.
 *
 * @example
 * REQUESTS_CA_BUNDLE=/etc/ssl/company.pem node --import vouch/register app.js
 */
import tls from 'node:tls'
import { displayName } from './core/credentials.ts'
import { environmentBundle, processEnvironment } from './core/environment.ts'
import { CABundleError, SSLError } from './core/errors.ts'
import { checkNodeVersion } from './core/node-version.ts'
import { bundleOfPath } from './trust/ca-bundle.ts'

checkNodeVersion()

const envBundle = environmentBundle(processEnvironment())
if (envBundle !== undefined) {
  try {
    // Added to the default roots, which requests replaces: the other clients of the process still need them.
    const { anchors } = bundleOfPath(envBundle.path).resolve()
    if (anchors.some(({ hasSettings }) => hasSettings)) throw withSettings(envBundle.path)
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...anchors.map(({ pem }) => pem)])
  } catch (error) {
    // Every problem of a bundle is a CABundleError.
    /* node:coverage ignore next */
    if (!(error instanceof SSLError)) throw error
    const hints = error.hints.map((hint) => `\nvouch: hint: ${hint}`)
    console.error(`vouch: error: ${envBundle.variable}: ${error.summary}${hints.join('')}`)
    process.exit(1)
  }
}

/** Node would silently ignore such a certificate. */
function withSettings(path: string): CABundleError {
  const name = displayName(path)
  return new CABundleError(
    `cannot use the CA bundle ${name}: a TRUSTED CERTIFICATE has trust settings, which Node's default roots cannot have`,
    { path: name, hints: ['remove the settings: openssl x509 -in FILE -out NEW.pem'] },
  )
}
