import path from 'node:path'
import { overlaps, readIntervals } from 'portslice-test/support/intervals'
import { groups } from '../charts.ts'
import type { LateBinds } from '../processes/late-binds.ts'
import type { Source } from '../processes/port-sources.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row } from '../row.ts'

const SOURCES: readonly Source[] = [
  'portslice',
  'get-port',
  'get-port, a range',
  'portfinder',
  'detect-port',
  'get-port-please',
  'random in a range',
]

const PORTS_PER_PROCESS = 5

interface Cell {
  /** "8, 200 ms" */
  place: string
  handedOut: number
  /** For each source. */
  collisions: number[]
  refused: number[]
}

export const collisions: Row = {
  name: 'Collisions',
  how: `Several processes take 20 ports each, five at a time. An app binds each port some time after the hand-out,
serves for a moment and closes, and the port is given back. Each hand-out of a port that another process had counts as a
collision; the times are recorded so that only true overlaps count. The second figure is how often the app's bind failed
with EADDRINUSE. get-port without options asks the OS for any port; its range and that of the random numbers is 3000–3999,
detect-port begins at 3000, and portfinder and get-port-please begin at their defaults.`,
  async run({ short, folder }): Promise<Measured> {
    const ports = short ? 5 : 20
    const cells: Cell[] = []
    for (const processes of short ? [8] : [8, 16, 32]) {
      for (const delayMs of short ? [0, 200] : [0, 200, 1000]) {
        const place = `${processes}, ${delayMs} ms`
        const cell: Cell = { place, handedOut: processes * ports, collisions: [], refused: [] }
        for (const source of SOURCES) {
          const file = path.join(
            folder,
            `${processes}-${delayMs}-${SOURCES.indexOf(source)}.ndjson`,
          )
          const plan: LateBinds = { source, file, ports, atOnce: PORTS_PER_PROCESS, delayMs }
          await using group = await startReady(
            'late-binds',
            Array.from({ length: processes }, () => plan),
            { lockDirectory: path.join(folder, 'locks') },
          )
          const refused = await group.run<number>()
          const noted = readIntervals(file)
          if (noted.length !== cell.handedOut) {
            throw new Error(`Only ${noted.length} of ${cell.handedOut} hand-outs were recorded.`)
          }
          cell.collisions.push(overlaps(noted).length)
          cell.refused.push(refused.reduce((total, times) => total + times, 0))
        }
        cells.push(cell)
      }
    }
    const ours = (of: (cell: Cell) => number[]) =>
      cells.reduce((total, cell) => total + (of(cell)[0] as number), 0)
    const collided = ours((cell) => cell.collisions)
    const refused = ours((cell) => cell.refused)
    const handedOut = cells.reduce((total, cell) => total + cell.handedOut, 0)
    return {
      tables: [
        {
          caption: 'Collisions / EADDRINUSE, of all hand-outs',
          head: ['processes, bind after', 'hand-outs', ...SOURCES],
          rows: cells.map((cell) => [
            cell.place,
            String(cell.handedOut),
            ...SOURCES.map((_, index) => `${cell.collisions[index]} / ${cell.refused[index]}`),
          ]),
        },
      ],
      targets: [
        {
          target: 'no collision',
          measured: `${collided} collisions and ${refused} times EADDRINUSE in ${handedOut} hand-outs`,
          met: collided === 0 && refused === 0,
        },
      ],
      charts: [
        {
          file: 'performance-collisions',
          title: 'Collisions, % of all hand-outs (processes, bind after)',
          option: groups(
            cells.map(({ place }) => place),
            Object.fromEntries(
              SOURCES.map((source, index) => [
                source,
                cells.map((cell) =>
                  Number((((cell.collisions[index] as number) * 100) / cell.handedOut).toFixed(2)),
                ),
              ]),
            ),
          ),
        },
      ],
    }
  },
}
