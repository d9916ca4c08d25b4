import type { LeakedPort } from '@portslice/core/internal'
import type { RunnerTestFile } from 'vitest'
import { loadCore } from './load-core.js'
import type { Scope } from './test-file.js'
import type { ProvidedPortslice } from './vitest-types.js'

/**
 * Adds leaks to `task.meta` of the test or, without a test, of the file, for the summary at the end of the run.
 * Warns without a summary; throws with `onLeak: 'fail'`.
 */
export async function handleLeaks(
  { name, description, test }: Pick<Scope, 'name' | 'description' | 'test'>,
  file: RunnerTestFile | undefined,
  leaked: readonly LeakedPort[],
  { onLeak, isReported }: Pick<ProvidedPortslice, 'onLeak' | 'isReported'>,
): Promise<void> {
  // A failed test may not have reached the code that closes its server.
  if (leaked.length === 0 || onLeak === 'ignore' || test?.result?.state === 'fail') return
  const { leakError, leakMessage } = await loadCore()
  const subject = description.replace(/^t/, 'T')
  if (onLeak === 'fail') throw leakError(subject, leaked)
  if (!isReported || !(test ?? file)) {
    console.warn(`portslice: ${leakMessage(subject, leaked)}`)
  }
  if (test) {
    const before = test.meta.portslice?.leaked ?? []
    test.meta.portslice = { ...test.meta.portslice, leaked: [...before, ...leaked] }
  } else if (file && isReported) {
    const { leaked: own = [], others = [] } = file.meta.portslice ?? {}
    const leaks = { owner: name, leaked: [...leaked] }
    file.meta.portslice = { leaked: own, others: [...others, leaks] }
  }
}
