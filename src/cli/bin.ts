#!/usr/bin/env node
/** The executable of `vouch`: reports a Node version that is too old in one line, or runs `main.ts`. */
import('./main.ts').catch((error: unknown) => {
  if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNSUPPORTED_NODE')) throw error
  console.error(`vouch: error: ${error.message}`)
  process.exitCode = 2
})
