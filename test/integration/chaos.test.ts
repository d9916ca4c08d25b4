/** The short form of the fault suite: `pnpm run chaos` is the long one. See docs/faults.md. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/process.ts'

/** ms; some 100 s on two cores that have little else to do. Only ends what hangs. */
const LONGEST = 500_000

test('portslice keeps its promise under every fault that is provoked', {
  timeout: LONGEST,
}, async () => {
  const script = fileURLToPath(new URL('../../test/faults/chaos.ts', import.meta.url))
  const { status, stdout, stderr } = await runNode([script, '--short'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    timeout: LONGEST - 10_000,
  })
  const skipped = stdout.split('\n').filter((line) => line.startsWith('- '))
  if (skipped.length > 0) console.log(skipped.join('\n'))
  expect(status, `${stdout}\n${stderr}`).toBe(0)
})
