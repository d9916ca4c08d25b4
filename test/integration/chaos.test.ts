/** The short form of the fault suite: `pnpm run chaos` is the long one. See docs/faults.md. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { TEST_ALL } from '../support/extent.ts'
import { runNode } from '../support/process.ts'

/** Only a process that hangs takes so long. */
const TIMEOUT_MS = 500_000

/** Parts of the names of the faults that break most of what keeps two holders apart. */
const MOST_TELLING = [
  'sigkill',
  'between two steps',
  'network namespaces share',
  'more workers than slices',
  'same crashed slice',
]

test('portslice keeps its promise under faults', { timeout: TIMEOUT_MS }, async () => {
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const script = fileURLToPath(new URL('../faults/chaos.ts', import.meta.url))
  const { status, stdout, stderr } = await runNode(
    [script, '--short', ...(TEST_ALL ? [] : MOST_TELLING)],
    { cwd: root, timeout: TIMEOUT_MS - 10_000 },
  )
  const skipped = stdout.split('\n').filter((line) => line.startsWith('- '))
  if (skipped.length > 0) console.log(skipped.join('\n'))
  expect(status, `${stdout}\n${stderr}`).toBe(0)
  if (!TEST_ALL) expect(stdout.match(/^[✓-] /gm)).toHaveLength(MOST_TELLING.length)
})
