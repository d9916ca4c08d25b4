/** What users can import, as `api/` has it for reviews. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runNode } from '../support/process.ts'

test('the public face of the packages is what api/ says', async () => {
  const script = fileURLToPath(new URL('../../scripts/src/api.ts', import.meta.url))
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const { status, stdout, stderr } = await runNode([script, '--check'], { cwd })
  expect(status, stdout + stderr).toBe(0)
})
