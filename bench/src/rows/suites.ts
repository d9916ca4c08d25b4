import os from 'node:os'
import { createAllocator } from '@portslice/core'
import type { Outcome } from 'portslice-test/support/process'
import { type FixtureProject, FixtureProjects } from 'portslice-test/support/project'
import { comparison, comparisonChart, inTurns, type Samples } from '../compare.ts'
import type { Context, Measured, Row, Target } from '../row.ts'
import { pairedRatio } from '../stats.ts'

/** The row whose files each have a process of their own. */
const ISOLATED = 'vitest'

const SOURCES = ['hard-coded', 'get-port', 'portslice', 'bare'] as const
type Source = (typeof SOURCES)[number]

const WORKERS = os.availableParallelism()

const SERVE = `
  import { once } from 'node:events'
  import { createServer } from 'node:http'
  async function serve(port) {
    const server = createServer().listen(port)
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
  }`

/** A fixture of the same shape as ours, which takes its port from get-port. */
function getPortFixture(runner: string): string {
  return `
    import getPort from 'get-port'
    import { test as base } from '${runner}'
    export const test = base.extend({ port: async ({}, use) => use(await getPort()) })`
}

/** The system calls of portslice for a slice and a port, without any library. */
const BARE_FIXTURE = `
  import dgram from 'node:dgram'
  import fs from 'node:fs'
  import net from 'node:net'
  export function bare(port) {
    const lookup = (address, family, callback) => callback(null, address, family)
    const bind = (type, port, address) => {
      const socket = dgram.createSocket({ type, lookup }).unref()
      socket.bind({ port, address, exclusive: true })
      return socket
    }
    const probe = () => {
      bind('udp6', port, '::').close()
      net.createServer().listen({ port, exclusive: true }).close()
    }
    bind('udp4', 0, '127.0.0.1')
    const folder = new URL(\`locks-\${process.pid}/\`, import.meta.url)
    fs.mkdirSync(folder, { recursive: true })
    const journal = fs.openSync(new URL(\`\${port}.ndjson\`, folder), 'w', 0o600)
    const liveness = net.createServer().listen(new URL(\`\${port}.sock\`, folder).pathname).unref()
    fs.writeSync(journal, '{}')
    probe()
    fs.writeSync(journal, '{}')
    return () => {
      probe()
      liveness.close()
      fs.writeSync(journal, '{}')
    }
  }`

/** A test with a port. */
function testText(source: Source, own: string, ours: string, number: number, port: number): string {
  switch (source) {
    case 'hard-coded':
      return `${own}${SERVE}\ntest('serves ${number}', () => serve(${port}))`
    case 'get-port':
      return `import { test } from '../fixture.js'\n${SERVE}\ntest('serves ${number}', ({ port }) => serve(port))`
    case 'bare':
      return `${own}import { bare } from '../bare.js'\n${SERVE}\ntest('serves ${number}', async () => {\n  const release = bare(${port})\n  await serve(${port})\n  release()\n})`
    case 'portslice':
      return `${ours}${SERVE}\ntest('serves ${number}', ({ port }) => serve(port))`
  }
}

function vitestFiles(source: Source, ports: readonly number[]): Record<string, string> {
  const plugin = source === 'portslice'
  const config = `
    ${plugin ? "import portslice from '@portslice/vitest-plugin'" : ''}
    export default { plugins: [${plugin ? 'portslice()' : ''}], test: { maxWorkers: ${WORKERS} } }`
  const own = "import { test } from 'vitest'\n"
  const ours = "import { test } from '@portslice/vitest-plugin/test'\n"
  const files: Record<string, string> = {
    'vitest.config.js': config,
    'fixture.js': getPortFixture('vitest'),
    'bare.js': BARE_FIXTURE,
  }
  for (const [index, port] of ports.entries()) {
    files[`tests/serves-${index}.test.js`] = testText(source, own, ours, index, port)
  }
  return files
}

const TESTS_PER_FILE = 10
/** Also in short runs: what a run pays once would weigh more in a small project, and change the verdict. */
const TESTS = 40

function playwrightFiles(source: Source, ports: readonly number[]): Record<string, string> {
  const own = "import { test } from '@playwright/test'\n"
  const ours = "import { test } from '@portslice/playwright-fixture'\n"
  const files: Record<string, string> = {
    'playwright.config.js': `export default { testDir: 'tests', fullyParallel: true, workers: ${WORKERS}, reporter: 'line' }`,
    'fixture.js': getPortFixture('@playwright/test'),
    'bare.js': BARE_FIXTURE,
  }
  for (let first = 0; first < ports.length; first += TESTS_PER_FILE) {
    const texts = ports
      .slice(first, first + TESTS_PER_FILE)
      .map((port, index) => testText(source, own, ours, first + index, port))
    // The imports of the first test serve all tests of the file.
    const [all, ...others] = texts as [string, ...string[]]
    const tests = others.map((text) => text.slice(text.lastIndexOf('\ntest(')))
    files[`tests/serves-${first}.spec.js`] = [all, ...tests].join('')
  }
  return files
}

interface Runs {
  files: (source: Source, ports: readonly number[]) => Record<string, string>
  run: (project: FixtureProject) => Promise<Outcome>
  rounds: number
  sources: readonly Source[]
}

type Suite = Omit<Runs, 'rounds' | 'sources'>
type SuiteSamples = Samples<Exclude<Source, 'bare'>> & Partial<Samples<'bare'>>

/** The wall time with each source, in s. */
async function wallTimes(ports: readonly number[], runs: Runs): Promise<SuiteSamples> {
  using fixtures = new FixtureProjects()
  const projects = Object.fromEntries(
    runs.sources.map((source) => [source, fixtures.project(runs.files(source, ports))]),
  ) as Record<Source, FixtureProject>
  return await inTurns(runs.sources, runs.rounds, async (source) => {
    const start = performance.now()
    const { status, stdout, stderr } = await runs.run(projects[source])
    const taken = (performance.now() - start) / 1000
    if (status !== 0 || !stdout.includes(`${ports.length} passed`)) {
      throw new Error(`The run with ${source} ended with ${status}: ${stdout}\n${stderr}`)
    }
    return taken
  })
}

async function measured(context: Context, suites: Readonly<Record<string, Suite>>) {
  const { short, folder } = context
  const rounds = short ? 3 : 7
  const sources = SOURCES.filter((source) => !short || source !== 'bare')
  // Free ports, for the hard-coded source.
  await using allocator = await createAllocator({ lockDirectory: `${folder}/locks` })
  const leases = await allocator.takeMany(TESTS)
  const ports = leases.map(({ port }) => port)
  const all: Record<string, SuiteSamples> = {}
  for (const [name, suite] of Object.entries(suites)) {
    all[name] = await wallTimes(ports, { ...suite, rounds, sources })
  }
  return all
}

/** The extra time of a source compared with hard-coded ports, as a fraction of their time. */
const MAX_OVERHEAD = 0.02
/** With isolated files, how much more than the fixture of get-port. */
const MAX_BEYOND_GET_PORT = 0.01

interface Overhead {
  readonly part: number
  readonly text: string
}

function overhead(samples: readonly number[], hardCoded: readonly number[]): Overhead {
  const { median, low, high } = pairedRatio(samples, hardCoded)
  return {
    part: median - 1,
    text: `${percent(median - 1)} (95 %: ${percent(low - 1)} to ${percent(high - 1)})`,
  }
}

function target(name: string, samples: SuiteSamples, isIsolated: boolean): Target {
  const { bare, 'hard-coded': hardCoded } = samples
  const ours = overhead(samples.portslice, hardCoded)
  const theirs = overhead(samples['get-port'], hardCoded)
  const limit = isIsolated ? theirs.part + MAX_BEYOND_GET_PORT : MAX_OVERHEAD
  return {
    target: isIsolated
      ? `${name}: at most ${MAX_BEYOND_GET_PORT * 100} percentage point more than a get-port fixture`
      : `${name}: within ${MAX_OVERHEAD * 100} % of hard-coded ports`,
    measured: `${ours.text}; get-port fixture ${theirs.text}`,
    ...(bare && { floor: overhead(bare, hardCoded).text }),
    met: ours.part <= limit,
  }
}

function percent(part: number): string {
  return `${part < 0 ? '−' : '+'}${Math.abs(part * 100).toFixed(1)} %`
}

async function result(
  context: Context,
  runner: string,
  suites: Readonly<Record<string, Suite>>,
): Promise<Measured> {
  const entries = Object.entries(await measured(context, suites))
  return {
    tables: entries.map(([name, samples]) =>
      comparison(`${name}: ${TESTS} tests, wall time, s`, samples, 'hard-coded'),
    ),
    targets: entries.map(([name, samples]) => target(name, samples, name === ISOLATED)),
    charts: entries.map(([name, samples], index) =>
      comparisonChart(
        `performance-${runner}${index === 0 ? '' : `-${index + 1}`}`,
        `${name}: ${TESTS} tests, wall time, s`,
        samples,
      ),
    ),
  }
}

export const vitestRun: Row = {
  name: 'A vitest run',
  how: `A project of ${TESTS} files with one test each, which listens on its port and closes. The ports are
hard-coded, come from a fixture around \`getPort()\`, or from the fixture \`port\` with the plugin in the config; "bare" is a
fixture that only makes the system calls of portslice. The whole command is timed, with as many workers as there are cores:
once with vitest's defaults, where each file has a new process and imports everything again, and once with \`--no-isolate\`.`,
  run: (context) =>
    result(context, 'vitest', {
      [ISOLATED]: { files: vitestFiles, run: (project) => project.vitest() },
      'vitest --no-isolate': {
        files: vitestFiles,
        run: (project) => project.vitest(['--no-isolate']),
      },
    }),
}

export const playwrightRun: Row = {
  name: 'A Playwright run',
  how: `The same with Playwright: ${TESTS} tests in ${TESTS / TESTS_PER_FILE} files, without a browser, \`fullyParallel\`, on as many
workers as there are cores.`,
  run: (context) =>
    result(context, 'playwright', {
      Playwright: { files: playwrightFiles, run: (project) => project.playwright() },
    }),
}
