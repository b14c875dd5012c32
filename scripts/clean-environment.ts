/** The variables that decide about trust and proxies, by any tool's name for them. */
const SETTINGS = /^(?:.*_CA_BUNDLE|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|NODE_USE_.*|NODE_TLS_.*|.*_proxy|NETRC)$/i

/** A copy of the environment without them. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SETTINGS.test(name)))
}
