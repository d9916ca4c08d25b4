import path from 'node:path'
import { atMost, comparison, comparisonChart, ratio, type Samples } from '../contenders.ts'
import { Crew } from '../crew.ts'
import type { Measured, Row } from '../row.ts'
import { figure } from '../spread.ts'

export const warm: Row = {
  name: 'Take and release in a warm worker',
  how: `One process takes a port and gives it back, again and again, in blocks of some hundred
operations, a block in each way in turn. Of the libraries that have no release, it is the call
alone. "A given port" is one number that nobody uses. The last line is what portslice has to ask of
the kernel, with nothing around it: a bind for UDP and a listen for TCP before the hand-out, and both
again at the release. That is the distance from the bare \`listen\`: that asks once, for TCP, for any number.`,
  async run({ short, folder }): Promise<Measured> {
    const plan = short ? { rounds: 3, operations: 50 } : { rounds: 60, operations: 300 }
    await using crew = await Crew.of<Samples>('warm', [plan], {
      lockDirectory: path.join(folder, 'locks'),
    })
    const [samples] = (await crew.together()) as [Samples]
    const of = (name: string) => samples[name] as readonly number[]
    const bare = ratio(of('portslice'), of('bare listen(0) and close'))
    return {
      tables: [comparison('Take and release, µs', samples, 'get-port')],
      targets: [
        atMost(1, 'get-port without options', of('portslice'), of('get-port')),
        atMost(0.5, 'get-port on a given port', of('portslice'), of('get-port, a given port')),
        {
          target: 'how far from a bare `listen(0)` and `close`',
          measured: `${figure(bare)} ×; ${figure(ratio(of('portslice'), of('bare: UDP bind and listen, twice')))} × what it asks of the kernel`,
        },
      ],
      charts: [
        comparisonChart('performance-warm', 'Take and release in a warm worker, µs', samples),
      ],
    }
  },
}
