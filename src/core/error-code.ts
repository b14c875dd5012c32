/** The codes of Node's errors. */

/** Node's or the system's code of an error (`ENOENT`, `ERR_…`); an empty string if it has none. */
export function codeOf(error: unknown): string {
  const { code } = Object(error) as { readonly code?: unknown }
  return typeof code === 'string' ? code : ''
}

/** Codes of file systems that have no links: FAT, some shares and mounts of containers. */
export const NO_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV'])
