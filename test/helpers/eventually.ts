/** Waits for what becomes true in its own time. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'

/** Node's servers close idle connections after 5 s, its clients 1 s earlier: within this limit one that is left open is found. */
const LIMIT_MS = 3000

/** Fails with the message `otherwise` if it does not hold within so many ms. */
export async function eventually(
  holds: () => boolean | Promise<boolean>,
  otherwise: string,
  limit = LIMIT_MS,
): Promise<void> {
  assert(await becomesTrue(holds, limit), otherwise)
}

/** Whether it holds within so many ms. */
export async function becomesTrue(holds: () => boolean | Promise<boolean>, limit = LIMIT_MS): Promise<boolean> {
  const end = performance.now() + limit
  while (!(await holds())) {
    if (performance.now() > end) return false
    await delay(2)
  }
  return true
}
