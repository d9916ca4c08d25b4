import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAllocator } from '@portslice/core'
import { cleanEnvironment } from 'portslice-test/support/process'
import { atMost, comparison, comparisonChart, inTurns, type Samples } from '../compare.ts'
import type { Measured, Row, Target } from '../row.ts'
import { figure, statsOf } from '../stats.ts'

const SCRIPTS = {
  portslice: 'portslice.js',
  'get-port': 'get-port.js',
  portfinder: 'portfinder.js',
  'detect-port': 'detect-port.js',
  'bare listen(0)': 'bare-listen.js',
  'bare: what portslice asks for': 'bare-protocol.js',
  'no port': 'nothing.js',
}
type Name = keyof typeof SCRIPTS
const NAMES = Object.keys(SCRIPTS) as Name[]

const FOLDER = fileURLToPath(new URL('../processes/first-port/', import.meta.url))

export const firstPort: Row = {
  name: 'A fresh process to its first port',
  how: `From the start of a process (\`node file.js\`) until it has printed its port: it imports the
library, asks for one port, and prints it. A process that imports nothing and prints a word shows
Node's own share. "What portslice asks for" is a script without any library that does what portslice cannot do without: the
sentinel, the lock with its liveness socket, the journal, and a check of one port for UDP and TCP. Then the same if Node's own
modules (\`net\`, \`dgram\`, \`cluster\`, \`child_process\`, \`fs/promises\`, \`worker_threads\` …)
have been loaded before, as in a vitest file or a Playwright worker.`,
  async run({ short, folder }): Promise<Measured> {
    const rounds = short ? 12 : 60
    const env = { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: path.join(folder, 'locks') }
    // Free ports, for sources that do not search for one.
    await using allocator = await createAllocator({ lockDirectory: path.join(folder, 'given') })
    const given = await allocator.takeMany(2)
    const args = [path.join(folder, 'bare'), ...given.map(({ port }) => String(port))]
    const measure = (name: Name, flags: string[]) =>
      untilPrinted([...flags, path.join(FOLDER, SCRIPTS[name]), ...args], env)
    const bare = await inTurns(NAMES, rounds, (name) => measure(name, []))
    const loaded = ['--import', new URL('../processes/first-port/loaded.js', import.meta.url).href]
    const inWorker = await inTurns(NAMES, rounds, (name) => measure(name, loaded))
    return {
      tables: [
        comparison('Spawn to port, ms', bare, 'get-port'),
        comparison("With Node's own modules loaded before, ms", inWorker, 'get-port'),
      ],
      targets: [
        ...targets('', bare),
        ...targets(", with Node's own modules loaded before", inWorker),
      ],
      charts: [
        comparisonChart('performance-first-port', 'A fresh process to its first port, ms', bare),
        comparisonChart(
          'performance-first-port-loaded',
          "With Node's own modules loaded before, ms",
          inWorker,
        ),
      ],
    }
  },
}

/** Two to three ms in a process of 50. */
const MAX_RATIO = 1.05

function targets(where: string, samples: Samples<Name>): Target[] {
  const asked = 'bare: what portslice asks for'
  const beyond = (name: Name) =>
    statsOf(samples[name].map((value, round) => value - (samples['no port'][round] as number)))
  return [
    atMost(MAX_RATIO, `get-port${where}`, samples.portslice, samples['get-port'], samples[asked]),
    {
      target: `beyond a process without a port${where}`,
      measured: `${figure(beyond('portslice').median)} ms; get-port ${figure(beyond('get-port').median)} ms`,
      floor: `${figure(beyond(asked).median)} ms`,
    },
  ]
}

/** The time from the start of a process to its first output, in ms. Waits for its end. */
export async function untilPrinted(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const start = performance.now()
  const child = spawn(process.execPath, args, {
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const closed = once(child, 'close')
  let taken: number | undefined
  child.stdout.once('data', () => {
    taken = performance.now() - start
  })
  const [status] = await closed
  if (status !== 0 || taken === undefined)
    throw new Error(`${args.join(' ')} ended with ${status}.`)
  return taken
}
