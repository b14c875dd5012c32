/** What a hostile peer must not cause: process-level errors, promises that do not settle, and connections left open. */
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { inspect } from 'node:util'
import { becomesTrue, eventually } from '../../helpers/eventually.ts'
import { CLIENTS, isLimited } from './clients.ts'
import { Peers } from './peers.ts'
import type { Plan } from './plan.ts'

/** Plays all of these at once. @throws AssertionError with what went wrong */
export async function playAll(plans: readonly Plan[]): Promise<void> {
  const failures: unknown[] = []
  const onUncaught = (error: unknown) => failures.push(['uncaught exception', error])
  const onUnhandled = (error: unknown) => failures.push(['unhandled rejection', error])
  process.on('uncaughtException', onUncaught).on('unhandledRejection', onUnhandled)
  const before = openConnections()
  try {
    const outcomes = await Promise.allSettled(plans.map(play))
    for (const [index, outcome] of outcomes.entries()) {
      if (outcome.status === 'rejected') failures.push([outcome.reason, plans[index]])
    }
    if (!(await becomesTrue(() => openConnections() <= before))) {
      failures.push(`connections left open: ${process.getActiveResourcesInfo().join(' ')}`)
    }
    // Errors of streams are emitted a tick after they occur, and rejections are reported after that.
    await delay(1)
  } finally {
    process.off('uncaughtException', onUncaught).off('unhandledRejection', onUnhandled)
  }
  assert(failures.length === 0, failures.map((failure) => inspect(failure, { depth: 5 })).join('\n'))
}

async function play(plan: Plan): Promise<void> {
  const peers = new Peers(plan)
  await peers.start()
  try {
    const call = CLIENTS[plan.client](plan, peers)
    const patience = isLimited(plan) ? undefined : setTimeout(() => peers.hangUp(), PATIENCE_MS)
    const timer = new AbortController()
    const bound = delay(BOUND_MS, 'no end', { signal: timer.signal }).catch(() => {})
    const end = await Promise.race([call, bound]).finally(() => {
      clearTimeout(patience)
      timer.abort()
    })
    assert.notEqual(end, 'no end', 'the call does not settle')
    await eventually(() => peers.open === 0, 'connections are left open')
    if (plan.identity !== 'right') assert.equal(peers.received, 0, 'a server that is not trusted received a request')
  } finally {
    await peers.close()
  }
}

/** How long peers go on for a call without limits. */
const PATIENCE_MS = 60
/** Far more than anything takes here, on a machine that does other things as well. */
const BOUND_MS = 60_000

/** Sockets of this process, theirs and ours. */
function openConnections(): number {
  return process.getActiveResourcesInfo().filter((name) => /TCP|TLS|Pipe|GetAddrInfo/.test(name)).length
}
