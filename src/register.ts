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
import { environmentBundle, processEnvironment } from './environment.ts'
import { SSLError } from './errors.ts'
import { bundleOfPath } from './trust/ca-bundle.ts'

const named = environmentBundle(processEnvironment())
if (named !== undefined) {
  try {
    // In addition, where requests replaces: the rest of the process still has to reach the rest of the world.
    const anchors = bundleOfPath(named.path).resolve().anchors
    tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...anchors.map(({ pem }) => pem)])
  } catch (error) {
    if (!(error instanceof SSLError)) throw error
    const hints = error.hints.map((hint) => `\nvouch: hint: ${hint}`)
    console.error(`vouch: error: ${named.variable}: ${error.summary}${hints.join('')}`)
    process.exit(1)
  }
}
