/** Leases slices that have bad journals, and reports the cost of each. */
import { createAllocator, listSlices } from '@portslice/core'
import { collectWarnings, onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  lockDirectory: string
  /** The first ports of the slices. */
  slices: number[]
}

export interface LeaseResult {
  first: number
  /** The port that was handed out; missing where there was an error. */
  port?: number
  error?: string
  /** ms; to lease it, to take a port and to list all. */
  took: number
  /** Bytes by which the resident memory grew at most. */
  grew: number
  warnings: string[]
}

const { lockDirectory, slices } = readPlan<Plan>()
const warnings = collectWarnings()
onWords({ end: () => process.exit() })

for (const first of slices) {
  const range = [first, first + 31] as const
  const before = process.memoryUsage.rss()
  const start = performance.now()
  const met: Partial<LeaseResult> = {}
  try {
    await using allocator = await createAllocator({ range, lockDirectory, waitTimeout: 5000 })
    met.port = (await allocator.take({ label: 'in spite of the journal' })).port
    await listSlices({ lockDirectory })
  } catch (error) {
    met.error = String(error)
  }
  const took = performance.now() - start
  say({
    first,
    took,
    grew: process.memoryUsage.rss() - before,
    warnings,
    ...met,
  } satisfies LeaseResult)
}
process.exit()
