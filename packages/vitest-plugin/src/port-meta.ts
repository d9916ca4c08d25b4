import type { PortUse } from '@portslice/core/internal'
import type { RunnerTestCase } from 'vitest'
import { loadedCore } from './load-core.js'
import './vitest-types.js'

/** For reporters. @param ports those of the test that `task.meta` does not contain yet */
export function addToMeta({ meta }: RunnerTestCase, ports: readonly PortUse[] = []): void {
  const worker = loadedCore()?.takeWorkerUse()
  if (!worker) return
  const { leaked = [], ports: before = [], worker: workerBefore } = meta.portslice ?? {}
  const isUsed = ports.length + worker.ports.length + worker.slices.length > 0
  if (!isUsed && !workerBefore) return
  // A port that is out is reported again.
  const isOther = ({ port, takenAt }: PortUse) =>
    !worker.ports.some((each) => each.port === port && each.takenAt === takenAt)
  meta.portslice = {
    leaked,
    ports: [...before, ...ports],
    worker: {
      ...worker,
      slices: [...(workerBefore?.slices ?? []), ...worker.slices],
      ports: [...(workerBefore?.ports ?? []).filter(isOther), ...worker.ports],
    },
  }
}
