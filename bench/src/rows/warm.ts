import path from 'node:path'
import { createAllocator } from '@portslice/core'
import { atMost, comparison, comparisonChart, inTurns, ratio } from '../compare.ts'
import type { WarmPlan, Way } from '../processes/take-when-warm.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row } from '../row.ts'
import { figure } from '../stats.ts'

const WAYS: readonly Way[] = [
  'portslice',
  'portslice, with its events subscribed',
  'get-port',
  'get-port, a given port',
  'portfinder',
  'detect-port',
  'bare listen(0) and close',
  'bare: UDP bind and listen, twice',
]

export const warm: Row = {
  name: 'Take and release in a warm worker',
  how: `A process takes a port and gives it back, again and again; once it is warm, a thousand times are
timed. Each time it is a new process, which has loaded what it uses and nothing else. For libraries without a release, only
the call is timed. The [events](events.md) have no subscribers, except in the second line. "A given port" is a
free port. The last line has only the system calls that portslice needs: a bind for UDP and a listen for TCP before
the hand-out, and both again at the release, to find what was left open. This explains the difference from a bare \`listen\`,
which makes one call, for TCP and for any number.`,
  async run({ short, folder }): Promise<Measured> {
    const { rounds, operations } = short
      ? { rounds: 5, operations: 300 }
      : { rounds: 15, operations: 1000 }
    const lockDirectory = path.join(folder, 'locks')
    await using allocator = await createAllocator({ lockDirectory })
    const { port: given } = await allocator.take()
    const samples = await inTurns(WAYS, rounds, async (way) => {
      const plan: WarmPlan = { way, given, operations }
      await using group = await startReady('take-when-warm', [plan], { lockDirectory })
      const [taken] = await group.run<number>()
      return taken as number
    })
    const bare = ratio(samples.portslice, samples['bare listen(0) and close'])
    const asked = ratio(samples.portslice, samples['bare: UDP bind and listen, twice'])
    return {
      tables: [comparison('Take and release, µs', samples, 'get-port')],
      targets: [
        atMost(
          1,
          'get-port without options',
          samples.portslice,
          samples['get-port'],
          samples['bare: UDP bind and listen, twice'],
        ),
        atMost(
          0.5,
          'get-port on a given port',
          samples.portslice,
          samples['get-port, a given port'],
        ),
        {
          target: 'how far from a bare `listen(0)` and `close`',
          measured: `${figure(bare)} ×; ${figure(asked)} × what it asks of the kernel`,
        },
      ],
      charts: [
        comparisonChart('performance-warm', 'Take and release in a warm worker, µs', samples),
      ],
    }
  },
}
