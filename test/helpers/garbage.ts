/** Garbage collection at a chosen time, for what is kept only as long as something uses it. */
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'

v8.setFlagsFromString('--expose-gc')

/** A full collection. Finalizers run in a later turn of the event loop. */
export const collectGarbage = runInNewContext('gc') as () => void
