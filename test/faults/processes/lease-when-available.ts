/** Tries to lease a slice that another process holds until it gets it, and then leaves it to the next. */
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { onWords, readPlan, say } from '../../support/script.ts'

/** How often it was refused before, and the port it was given. */
export interface Obtained {
  refused: number
  port: number
}

const options = readPlan<AllocatorOptions>()
onWords({ end: () => process.exit() })

let refused = 0
for (;;) {
  try {
    const allocator = await createAllocator(options)
    const { port } = await allocator.take()
    say({ refused, port } satisfies Obtained)
    await allocator.close()
    process.exit()
  } catch (error) {
    if ((error as { code?: string }).code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') throw error
    refused++
  }
}
