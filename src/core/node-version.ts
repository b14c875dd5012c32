/** Refuses versions of Node that are too old, in one sentence. */

/** @throws Error without a stack, which would say nothing but that vouch was imported */
export function checkNodeVersion(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  if (major > MIN_MAJOR || (major === MIN_MAJOR && minor >= MIN_MINOR)) return
  const error = new Error(`vouch needs Node ${MIN_MAJOR}.${MIN_MINOR} or later; this is Node ${version}`)
  error.stack = String(error)
  throw Object.assign(error, { code: 'ERR_UNSUPPORTED_NODE' })
}

const MIN_MAJOR = 22
const MIN_MINOR = 19
