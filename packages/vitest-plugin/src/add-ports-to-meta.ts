import type { PortUse } from '@portslice/core/internal'
import type { RunnerTestCase } from 'vitest'
import { loadedCore } from './load-core.js'
import './vitest-types.js'

/** Adds ports and the use of the worker to `task.meta`, for reporters. @param ports new ports of the test */
export function addPortsToMeta({ meta }: RunnerTestCase, ports: readonly PortUse[] = []): void {
  const worker = loadedCore()?.takeWorkerUse()
  if (!worker) return
  const { leaked = [], ports: before = [], worker: workerBefore } = meta.portslice ?? {}
  const isUsed = ports.length + worker.ports.length + worker.slices.length > 0
  if (!isUsed && !workerBefore) return
  // The worker reports a port again while it is out.
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
