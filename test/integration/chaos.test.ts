/** The short form of the fault suite: `pnpm run chaos` is the long one. See docs/faults.md. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

/** Only a process that hangs takes so long. */
const TIMEOUT_MS = 500_000

test.runIf(TEST_ALL)(
  'portslice keeps its promise under faults',
  { timeout: TIMEOUT_MS },
  async () => {
    const root = fileURLToPath(new URL('../..', import.meta.url))
    const script = fileURLToPath(new URL('../faults/chaos.ts', import.meta.url))
    const { status, stdout, stderr } = await runNode([script, '--short'], {
      cwd: root,
      timeout: TIMEOUT_MS - 10_000,
    })
    const skipped = stdout.split('\n').filter((line) => line.startsWith('- '))
    if (skipped.length > 0) console.log(skipped.join('\n'))
    expect(status, `${stdout}\n${stderr}`).toBe(0)
  },
)
