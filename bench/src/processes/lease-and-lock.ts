/** Leases and releases a slice, and locks and unlocks a directory, in blocks. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createAllocator } from '@portslice/core'
import { readPlan } from 'portslice-test/support/script'
import { lock } from 'proper-lockfile'
import { type Blocks, inBlocks } from './alternate-blocks.ts'
import { whenAllAreReady } from './when-all-are-ready.ts'

const { folder, ...blocks } = readPlan<Blocks & { folder: string }>()
const locked = path.join(folder, 'locked')
mkdirSync(locked)

whenAllAreReady(() =>
  inBlocks(
    {
      async portslice() {
        const allocator = await createAllocator()
        await allocator.close()
      },
      async 'proper-lockfile'() {
        const unlock = await lock(locked)
        await unlock()
      },
    },
    blocks,
  ),
)
