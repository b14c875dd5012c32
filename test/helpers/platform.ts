/** What the machine is that runs the tests: a test that needs another is skipped with the reason. */

export const isWindows = process.platform === 'win32'
export const isLinux = process.platform === 'linux'

/** For tests that need modes of files, links, signals or a shell. */
export const onPosix = { skip: isWindows && 'not on Windows' }
export const onLinux = { skip: !isLinux && 'on Linux only' }
export const asRoot = { skip: process.getuid?.() !== 0 && 'needs root' }
