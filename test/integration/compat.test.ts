/** The short form of the matrix: `pnpm run compat` is the long one. See docs/compatibility.md. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'

/** ms; some 40 s on two cores that have nothing else to do. */
const LONGEST = 300_000

test.runIf(TEST_ALL)(
  'the packed packages work on the oldest supported versions, and on the newest Node',
  {
    timeout: LONGEST,
  },
  async () => {
    const script = fileURLToPath(new URL('../../test/compat/compat.ts', import.meta.url))
    const { status, stdout, stderr } = await runNode([script, '--short'], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      timeout: LONGEST - 10_000,
    })
    expect(status, `${stdout}\n${stderr}`).toBe(0)
    expect(stdout).toContain('11 passed, 0 failed, 0 skipped')
  },
)
