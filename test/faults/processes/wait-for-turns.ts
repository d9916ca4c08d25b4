/** Repeatedly waits for a slice or a claimed port, and keeps it for some time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, claimPort, createAllocator } from '@portslice/core'
import { onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  /** What it wants: a slice, */
  options?: AllocatorOptions
  /** or a port to claim. */
  claim?: number
  waitTimeoutMs: number
  /** How long it keeps what it gets. */
  turnMs: number
  /** Whether it ends after one turn, as the process of a test file does. */
  once?: boolean
}

/** The reports: that it waits, that it has its turn, or the code of the error. */
export type Event = 'waiting' | 'served' | `ERR_${string}`

const { options, claim, waitTimeoutMs, turnMs, once = false } = readPlan<Plan>()
const sayEvent = (event: Event) => say(event)
let isToEnd = false
onWords({
  end: () => {
    isToEnd = true
  },
})

async function wait(): Promise<() => Promise<unknown>> {
  if (claim !== undefined) {
    const lease = await claimPort(claim, { timeout: waitTimeoutMs })
    return () => lease.release()
  }
  const allocator = await createAllocator({ ...options, waitTimeout: waitTimeoutMs })
  await allocator.take()
  return () => allocator.close()
}

do {
  sayEvent('waiting')
  try {
    const end = await wait()
    sayEvent('served')
    await sleep(turnMs)
    await end()
  } catch (error) {
    const { code } = error as { code?: string }
    if (code === undefined) throw error
    sayEvent(code as Event)
  }
} while (!isToEnd && !once)
process.exit()
