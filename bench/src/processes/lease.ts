/** Leases and releases a slice, and locks and unlocks a directory, in blocks. */
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createAllocator } from '@portslice/core'
import { lock } from 'proper-lockfile'
import { type Blocks, inBlocks } from './in-blocks.ts'
import { planned, whenAllAreReady } from './member.ts'

const { folder, ...blocks } = planned<Blocks & { folder: string }>()
const locked = path.join(folder, 'locked')
mkdirSync(locked)

await whenAllAreReady(() =>
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
