#!/usr/bin/env node
/** The command `vouch` as a program: it says in one line that Node is too old, and is `main.ts` otherwise. */
import('./main.ts').catch((error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNSUPPORTED_NODE')) throw error
  console.error(`vouch: error: ${error.message}`)
  process.exitCode = 2
})
