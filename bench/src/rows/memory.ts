import { existsSync } from 'node:fs'
import path from 'node:path'
import { inTurns } from '../compare.ts'
import type { Held } from '../processes/measure-held-ports.ts'
import { startReady } from '../ready-processes.ts'
import type { Measured, Row, Target } from '../row.ts'
import { figure, statsOf, withQuartiles } from '../stats.ts'

const PORTS = ['0', '1', '31', '310'] as const
const MB = 1_000_000
/** Changes below this are noise of the garbage collector. */
const NOISE_MB_PER_SLICE = 0.2

export const memory: Row = {
  name: 'Memory and file descriptors of a worker',
  how: `A separate process holds a number of ports (a slice has 31), collects its garbage, and measures its own
use; a process with 0 ports has only loaded portslice. The use is flat if each of the nine further slices of 310 ports
takes no more than the first (by the medians); of the memory, no more than ${NOISE_MB_PER_SLICE} MB beyond that.`,
  async run({ short, folder }): Promise<Measured> {
    if (!existsSync('/proc/self/fd')) throw new Error('File descriptors are read from /proc.')
    const rounds = short ? 1 : 7
    const found: Record<string, Held[]> = { '0': [], '1': [], '31': [], '310': [] }
    let processes = 0
    await inTurns(PORTS, rounds, async (ports) => {
      processes++
      await using group = await startReady('measure-held-ports', [{ ports: Number(ports) }], {
        // A new directory each time, because the ports of the last process are in quarantine.
        lockDirectory: path.join(folder, `locks-${processes}`),
        flags: ['--expose-gc'],
      })
      const [held] = (await group.run<Held>()) as [Held]
      found[ports]?.push(held)
      return held.rss
    })
    const at = (ports: string, of: (held: Held) => number) =>
      // The first round is a warm-up.
      statsOf((found[ports] as Held[]).slice(1).map(of))
    const measures = {
      'RSS, MB': (held: Held) => held.rss / MB,
      'heap, MB': (held: Held) => held.heap / MB,
      'file descriptors': (held: Held) => held.descriptors,
      sockets: (held: Held) => held.sockets,
    }
    const targets = Object.entries(measures).map(([name, of]): Target => {
      const [none, first, all] = ['0', '31', '310'].map((ports) => at(ports, of).median) as [
        number,
        number,
        number,
      ]
      const slices = at('310', (held) => held.slices).median
      const further = (all - first) / (slices - 1)
      const isMemory = name.endsWith('MB')
      return {
        target: `flat per slice: ${name}`,
        measured: `${figure(first - none)} for the first slice, ${figure(further)} for each further one`,
        met: further <= first - none + (isMemory ? NOISE_MB_PER_SLICE : 0),
      }
    })
    return {
      tables: [
        {
          caption: `Of one process; median and quartiles of ${rounds} ${rounds === 1 ? 'process' : 'processes'} each`,
          head: ['ports held', 'slices', ...Object.keys(measures)],
          rows: PORTS.map((ports) => [
            ports,
            String(at(ports, (held) => held.slices).median),
            ...Object.entries(measures).map(([name, of]) =>
              name.endsWith('MB') ? withQuartiles(at(ports, of)) : String(at(ports, of).median),
            ),
          ]),
        },
      ],
      targets,
      charts: [],
    }
  },
}
