/** The openssl command, the second opinion on everything that this project writes or reads. */
import { spawnSync } from 'node:child_process'

/** Runs `openssl` with these arguments and returns its stdout as text; throws with its stderr when it fails. */
export function openssl(args: readonly string[], input?: string | Uint8Array): string {
  return opensslBytes(args, input).toString('utf8')
}

/** The same for binary output (DER, PKCS#12). */
export function opensslBytes(args: readonly string[], input: string | Uint8Array = ''): Buffer {
  const { status, stdout, stderr, error } = spawnSync('openssl', args, { input, maxBuffer: 64 * 1024 * 1024 })
  if (error) throw new Error('cannot run the openssl command, which the tests need', { cause: error })
  if (status !== 0) throw new Error(`openssl ${args.join(' ')} failed (${status}): ${stderr.toString()}`)
  return stdout
}
