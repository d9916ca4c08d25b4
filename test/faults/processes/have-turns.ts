/** Waits for its turn with a slice or a claimed port, has it for a while, and goes on so; says how long it waited. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, claimPort, createAllocator } from '@portslice/core'
import { onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  /** What it wants: a slice, */
  options?: AllocatorOptions
  /** or a port to claim. */
  claim?: number
  /** The longest wait for either, in ms. */
  waitTimeout: number
  /** How long a turn is, in ms. */
  turn: number
  /** Whether it ends after one turn, as the process of a test file does. */
  once?: boolean
}

/** What it says after each turn. */
export interface Turn {
  /** ms */
  waited: number
  /** The code of the error, where it had no turn. */
  refused?: string
}

const { options, claim, waitTimeout, turn, once = false } = readPlan<Plan>()
let isToEnd = false
onWords({
  end: () => {
    isToEnd = true
  },
})

async function wait(): Promise<() => Promise<unknown>> {
  if (claim !== undefined) {
    const lease = await claimPort(claim, { timeout: waitTimeout })
    return () => lease.release()
  }
  const allocator = await createAllocator({ ...options, waitTimeout })
  await allocator.take()
  return () => allocator.close()
}

do {
  const start = performance.now()
  try {
    const end = await wait()
    say({ waited: performance.now() - start } satisfies Turn)
    await sleep(turn)
    await end()
  } catch (error) {
    const refused = (error as { code?: string }).code
    if (refused === undefined) throw error
    say({ waited: performance.now() - start, refused } satisfies Turn)
  }
} while (!isToEnd && !once)
process.exit()
