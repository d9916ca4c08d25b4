import path from 'node:path'
import { atMost, comparison, comparisonChart, type Samples } from '../compare.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row } from '../row.ts'

export const slice: Row = {
  name: 'Lease and release of a slice',
  how: `One process leases a slice and gives it back (\`createAllocator\` and \`close\`: sentinel, lock and
journal), in blocks that alternate with a lock and unlock of proper-lockfile on another directory. Such a lock is
one part of leasing a slice.`,
  async run({ short, folder }): Promise<Measured> {
    const plan = short ? { rounds: 3, operations: 20 } : { rounds: 60, operations: 100 }
    await using group = await startReady('lease-and-lock', [{ ...plan, folder }], {
      lockDirectory: path.join(folder, 'locks'),
    })
    const [samples] = (await group.run<Samples>()) as [Samples]
    const of = (name: string) => samples[name] as readonly number[]
    return {
      tables: [comparison('Lease and release, µs', samples, 'proper-lockfile')],
      targets: [atMost(2, 'proper-lockfile alone', of('portslice'), of('proper-lockfile'))],
      charts: [comparisonChart('performance-slice', 'Lease and release of a slice, µs', samples)],
    }
  },
}
