/** Leases a slice, keeps it for a moment and gives it back, and goes on so; notes whose turn it was. */
import { mkdirSync, utimesSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { Recorder } from 'portslice-testing/intervals'
import { heardWarnings, planned, say, whenTold } from './told.ts'

export interface Plan {
  options: AllocatorOptions
  /** Where to note which slice was held when, by its first port. */
  notes: string
  /** How long to keep a slice, in ms, at most. */
  keep: number
  /** A lock to leave behind, as if its holder elsewhere had died long ago. */
  staleLock?: string
}

const { options, notes, keep, staleLock } = planned<Plan>()
const recorder = new Recorder(notes)
const warnings = heardWarnings()
let isToEnd = false
whenTold({
  end: () => {
    isToEnd = true
  },
})

function leaveStale(lock: string): void {
  try {
    mkdirSync(lock)
    utimesSync(lock, 1e9, 1e9)
  } catch {
    // Somebody was quicker, and holds the slice.
  }
}

say('started')
while (!isToEnd) {
  try {
    const allocator = await createAllocator(options)
    const back = recorder.out(allocator.slices[0]?.first ?? 0)
    await sleep(Math.random() * keep)
    back()
    await allocator.close()
    if (staleLock) leaveStale(staleLock)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') throw error
  }
}
say(warnings)
process.exit()
