import { type LeakedPort, leakError, leakMessage } from '@portslice/core/internal'
import type { RunnerTestCase, RunnerTestFile } from 'vitest'
import type { ProvidedPortslice } from './vitest-types.js'

/** Notes leaks for the report at the end of the run, warns, or with `onLeak: 'fail'` throws. */
export function reportTest(
  test: RunnerTestCase,
  name: string,
  leaked: readonly LeakedPort[],
  { onLeak, isReported }: Pick<ProvidedPortslice, 'onLeak' | 'isReported'>,
): void {
  // A test that has failed may not have come to closing its server.
  if (leaked.length === 0 || onLeak === 'ignore' || test.result?.state === 'fail') return
  const owner = `The test "${name}"`
  if (onLeak === 'fail') throw leakError(owner, leaked)
  const before = test.meta.portslice?.leaked ?? []
  test.meta.portslice = { ...test.meta.portslice, leaked: [...before, ...leaked] }
  if (!isReported) console.warn(`portslice: ${leakMessage(owner, leaked)}`)
}

/** For ports of hooks and the like. @param owner its name in the report, such as `suite > beforeAll` */
export function reportOther(
  file: RunnerTestFile | undefined,
  { owner, description }: { owner: string; description: string },
  leaked: readonly LeakedPort[],
  { onLeak, isReported }: Pick<ProvidedPortslice, 'onLeak' | 'isReported'>,
): void {
  if (leaked.length === 0 || onLeak === 'ignore') return
  const start = description.replace(/^t/, 'T')
  if (onLeak === 'fail') throw leakError(start, leaked)
  if (!isReported || !file) {
    console.warn(`portslice: ${leakMessage(start, leaked)}`)
    return
  }
  const { leaked: own = [], others = [] } = file.meta.portslice ?? {}
  file.meta.portslice = { leaked: own, others: [...others, { owner, leaked: [...leaked] }] }
}
