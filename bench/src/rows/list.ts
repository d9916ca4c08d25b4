import path from 'node:path'
import { lines } from '../charts.ts'
import type { HoldSlices } from '../processes/hold-slices.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row } from '../row.ts'
import { figure, type Stats, statsOf } from '../stats.ts'

/** Room for 700 slices and those of other processes, below the ephemeral range. */
const RANGE = [1024, 32_767] as const
const A_PROCESS = 100

export const list: Row = {
  name: '`listSlices()`',
  how: `The slices are held by processes with up to ${A_PROCESS} each, and one port of each is out. Another
process calls \`listSlices()\` again and again. The first call of a process is slower, as nothing is compiled
then; it is in the table too.`,
  async run({ short, folder }): Promise<Measured> {
    const sizes = short ? [0, 10] : [0, 10, 100, 700]
    const calls = short ? 5 : 100
    const found: { size: number; listed: number; first: number; warm: Stats }[] = []
    for (const size of sizes) {
      const lockDirectory = path.join(folder, `locks-${size}`)
      await using _holders = await startReady('hold-slices', plansFor(size), {
        lockDirectory,
      })
      await using lister = await startReady('list-slices', [{ calls }], {
        lockDirectory,
      })
      const [result] = (await lister.run<{ listed: number; times: number[] }>()) as [
        { listed: number; times: number[] },
      ]
      const [first, ...times] = result.times as [number, ...number[]]
      found.push({ size, listed: result.listed, first, warm: statsOf(times) })
    }
    const most = found.at(-1) as (typeof found)[number]
    return {
      tables: [
        {
          caption: `One call, ms, of ${calls}`,
          head: ['slices held', 'listed', 'median', 'quartiles', 'first call', 'µs a slice'],
          rows: found.map(({ size, listed, first, warm }) => [
            String(size),
            String(listed),
            figure(warm.median),
            `${figure(warm.low)}–${figure(warm.high)}`,
            figure(first),
            listed === 0 ? '–' : figure((warm.median * 1000) / listed),
          ]),
        },
      ],
      targets: [
        {
          target: `under 100 ms with ${most.size} slices held`,
          measured: `${figure(most.warm.median)} ms; the first call of a process ${figure(most.first)} ms`,
          met: most.warm.median < 100,
        },
      ],
      charts: [
        {
          file: 'performance-list',
          title: 'listSlices(), ms',
          option: lines('even', 'slices held', sizes, {
            'first call': found.map(({ first }) => Number(figure(first))),
            median: found.map(({ warm }) => Number(figure(warm.median))),
          }),
        },
      ],
    }
  },
}

function plansFor(size: number): HoldSlices[] {
  const plans: HoldSlices[] = []
  for (let held = 0; held < size; held += A_PROCESS) {
    const slices = Math.min(A_PROCESS, size - held)
    plans.push({ range: RANGE, slices, workerId: held + 1 })
  }
  return plans
}
