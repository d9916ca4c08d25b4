/** Leases a slice, keeps it for a moment and gives it back, repeatedly, and records when it held it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'
import { collectWarnings, onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  options: AllocatorOptions
  /** Where to note which slice was held when, by its first port. */
  notes: string
  /** How long to keep a slice, in ms, at most. */
  keep: number
}

const { options, notes, keep } = readPlan<Plan>()
const recorder = new Recorder(notes)
const warnings = collectWarnings()
let isToEnd = false
onWords({
  end: () => {
    isToEnd = true
  },
})

say('started')
while (!isToEnd) {
  try {
    const allocator = await createAllocator(options)
    const recordRelease = recorder.recordTake(allocator.slices[0]?.first ?? 0)
    await sleep(Math.random() * keep)
    recordRelease()
    await allocator.close()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') throw error
  }
}
say(warnings)
process.exit()
