import path from 'node:path'
import { atMost, comparison, type Samples } from '../compare.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row } from '../row.ts'

/** More than the noise of one block, less than a user could notice. */
const MAX_RATIO = 1.02

export const events: Row = {
  name: 'Events and debug output',
  how: `Take and release in a warm process, in alternating blocks: without a subscriber to the [events](events.md),
with one, and with a copy of the package from which all events have been removed. \`NODE_DEBUG=portslice\` is a subscriber
too, so it costs the same.`,
  async run({ short, folder }): Promise<Measured> {
    const plan = short ? { rounds: 20, operations: 50 } : { rounds: 100, operations: 200 }
    await using group = await startReady('take-with-events', [{ ...plan, folder }], {
      lockDirectory: path.join(folder, 'locks'),
    })
    const [samples] = (await group.run<Samples>()) as [Samples]
    const of = (name: string) => samples[name] as readonly number[]
    return {
      tables: [comparison('Take and release, µs', samples, 'events removed')],
      targets: [
        atMost(MAX_RATIO, 'the package without events', of('no subscriber'), of('events removed')),
      ],
      charts: [],
    }
  },
}
