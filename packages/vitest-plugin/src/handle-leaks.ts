import type { LeakedPort } from '@portslice/core/internal'
import type { RunnerTestCase, RunnerTestFile } from 'vitest'
import { loadCore } from './load-core.js'
import type { ProvidedPortslice } from './vitest-types.js'

/**
 * Adds the leaks of a test to `task.meta` for the summary at the end of the run. Warns if there is no summary;
 * throws with `onLeak: 'fail'`.
 */
export async function handleTestLeaks(
  test: RunnerTestCase,
  name: string,
  leaked: readonly LeakedPort[],
  { onLeak, isReported }: Pick<ProvidedPortslice, 'onLeak' | 'isReported'>,
): Promise<void> {
  // A failed test may not have reached the code that closes its server.
  if (leaked.length === 0 || onLeak === 'ignore' || test.result?.state === 'fail') return
  const { leakError, leakMessage } = await loadCore()
  const owner = `The test "${name}"`
  if (onLeak === 'fail') throw leakError(owner, leaked)
  const before = test.meta.portslice?.leaked ?? []
  test.meta.portslice = { ...test.meta.portslice, leaked: [...before, ...leaked] }
  if (!isReported) console.warn(`portslice: ${leakMessage(owner, leaked)}`)
}

/**
 * The same for ports of hooks, suites and the top level of a file.
 *
 * @param owner the name in the summary, such as `suite > beforeAll`
 */
export async function handleLeaksOutsideTests(
  file: RunnerTestFile | undefined,
  { owner, description }: { owner: string; description: string },
  leaked: readonly LeakedPort[],
  { onLeak, isReported }: Pick<ProvidedPortslice, 'onLeak' | 'isReported'>,
): Promise<void> {
  if (leaked.length === 0 || onLeak === 'ignore') return
  const { leakError, leakMessage } = await loadCore()
  const start = description.replace(/^t/, 'T')
  if (onLeak === 'fail') throw leakError(start, leaked)
  if (!isReported || !file) {
    console.warn(`portslice: ${leakMessage(start, leaked)}`)
    return
  }
  const { leaked: own = [], others = [] } = file.meta.portslice ?? {}
  file.meta.portslice = { leaked: own, others: [...others, { owner, leaked: [...leaked] }] }
}
