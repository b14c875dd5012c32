/** Resolves every name under `.test` (RFC 6761: never in the real DNS) to loopback, in this process. */
import dns from 'node:dns'

type Callback = (error: Error | null, address: unknown, family?: number) => void

const lookup = dns.lookup as (host: string, options: object, callback: Callback) => void

dns.lookup = ((host: string, options: { all?: boolean }, callback: Callback) => {
  if (!/\.test\.?$/.test(host)) return lookup(host, options, callback)
  const address = { address: '127.0.0.1', family: 4 }
  process.nextTick(() => (options.all ? callback(null, [address]) : callback(null, address.address, address.family)))
}) as typeof dns.lookup
