import { type PortUse, takeWorkerUse } from '@portslice/core/internal'
import type { RunnerTestCase } from 'vitest'
import './vitest-types.js'

/**
 * Says in `task.meta` which ports the test has had, for reporters, and what its worker has besides.
 *
 * @param ports those of the test that it does not say yet
 */
export function addToMeta({ meta }: RunnerTestCase, ports: readonly PortUse[] = []): void {
  const worker = takeWorkerUse()
  const { leaked = [], ports: before = [], worker: workerBefore } = meta.portslice ?? {}
  const isUsed = ports.length + worker.ports.length + worker.slices.length > 0
  if (!isUsed && !workerBefore) return
  meta.portslice = {
    leaked,
    ports: [...before, ...ports],
    worker: {
      ...worker,
      slices: [...(workerBefore?.slices ?? []), ...worker.slices],
      ports: [...(workerBefore?.ports ?? []), ...worker.ports],
    },
  }
}
