/** What the machine is that runs the tests: a test that needs another is skipped with the reason. */

export const isWindows = process.platform === 'win32'
export const isLinux = process.platform === 'linux'
/** Root may read and write whatever it likes, and become another user. */
export const isRoot = process.getuid?.() === 0

/** For tests that need modes of files, links, signals or a shell. */
export const onPosix = { skip: isWindows && 'not on Windows' }
export const onLinux = { skip: !isLinux && 'on Linux only' }
export const asRoot = { skip: !isRoot && 'needs root' }
