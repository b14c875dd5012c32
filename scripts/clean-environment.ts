import { resolve } from 'node:path'

/** The variables that decide about trust and proxies, by any tool's name for them. */
const SETTINGS = /^(?:.*_CA_BUNDLE|SSL_CERT_.*|NODE_EXTRA_CA_CERTS|NODE_USE_.*|NODE_TLS_.*|.*_proxy|NETRC)$/i

/** A copy of the environment without them. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !SETTINGS.test(name)))
}

/**
 * For tests: with a place for what Node has compiled. They start some hundred processes, each of which would strip the types
 * off eighty files.
 */
export function testEnvironment(compileCache = 'build/compile-cache'): NodeJS.ProcessEnv {
  return { ...cleanEnvironment(), NODE_COMPILE_CACHE: resolve(compileCache) }
}
