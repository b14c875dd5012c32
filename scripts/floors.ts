/** The folders of `src/`, from the ground up; those of one row import nothing of each other. A folder imports from rows above only. */
export const FLOORS: readonly (readonly string[])[] = [
  ['core'],
  ['x509', 'http'],
  ['trust', 'diagnose', 'body', 'auth'],
  ['transport'],
  ['client', 'certs'],
  ['.'],
  ['cli'],
]
