/**
 * `node --import vouch/register app.js`: every client of the process that verifies by Node's default roots (`fetch`, `https`,
 * undici, got, axios …) trusts besides them what `REQUESTS_CA_BUNDLE`, else `CURL_CA_BUNDLE` names: a file or a directory.
 *
 * For applications: a library must not decide for its process. The bundle is read once, at the start. A process whose bundle
 * cannot be used does not start (exit status 1), and says why.
 *
 * @example
 * REQUESTS_CA_BUNDLE=/etc/ssl/company.pem node --import vouch/register app.js
 */
import tls from 'node:tls'
import { environmentBundle, processEnvironment } from './core/environment.ts'
import { CABundleError, SSLError } from './core/errors.ts'
import { bundleOfPath } from './trust/ca-bundle.ts'

const named = environmentBundle(processEnvironment())
if (named !== undefined) {
  try {
    // In addition, where requests replaces: the rest of the process still has to reach the rest of the world.
    const { anchors } = bundleOfPath(named.path).resolve()
    if (anchors.some(({ hasSettings }) => hasSettings)) throw withSettings(named.path)
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...anchors.map(({ pem }) => pem)])
  } catch (error) {
    // All that is wrong with a bundle is a CABundleError.
    /* node:coverage ignore next */
    if (!(error instanceof SSLError)) throw error
    const hints = error.hints.map((hint) => `\nvouch: hint: ${hint}`)
    console.error(`vouch: error: ${named.variable}: ${error.summary}${hints.join('')}`)
    process.exit(1)
  }
}

/** Node would pass over such a certificate, and say nothing. */
function withSettings(path: string): CABundleError {
  return new CABundleError(
    `cannot use the CA bundle ${path}: a TRUSTED CERTIFICATE has trust settings, which Node's list of roots has no place for`,
    { path, hints: ['write it without them: openssl x509 -in FILE -out plain.pem'] },
  )
}
