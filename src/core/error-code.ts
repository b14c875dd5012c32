/** Codes of Node's errors, and thrown values as errors. */

/** Node's or the system's code of an error (`ENOENT`, `ERR_…`); an empty string if it has none. */
export function codeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** What was thrown, for a stream or a callback of Node: they take `null` and `undefined` for no error, and would wait without end. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(`what was thrown is no Error: ${typeof thrown}`)
}

/** Codes of file systems that have no links: FAT, some shares and mounts of containers. */
export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])
