/**
 * Tests the packed packages on every supported version, prints the results, and writes the tables of
 * `docs/compatibility.md`. `--short` runs the jobs marked `short` and writes nothing; `--node` runs a Node
 * of this machine instead of the supported ones, and writes nothing either; further arguments are parts
 * of the names of the jobs to run.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { appJob } from './app-job.ts'
import { commandJob } from './command-job.ts'
import { coreJob } from './core-job.ts'
import type { Verdict } from './job.ts'
import { playwrightJob } from './playwright-job.ts'
import { CAPABILITIES, RUNTIMES, runtimeJob } from './runtime-job.ts'
import { Sandbox } from './sandbox.ts'
import {
  formatResult,
  type Place,
  type Result,
  vitestRow,
  writePage,
  writeRuntimes,
} from './table.ts'
import { NODES, nameOf, PLAYWRIGHTS, POOLS, refusedBy, VITESTS } from './versions.ts'
import { vitestJob } from './vitest-job.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, node: { type: 'string' } },
})

const own =
  values.node === undefined ? undefined : { binary: values.node, version: versionOf(values.node) }
const nodes: readonly string[] = own ? [own.version] : NODES

function versionOf(binary: string): string {
  return execFileSync(binary, ['-p', 'process.versions.node'], { encoding: 'utf8' }).trim()
}

interface Job extends Place {
  /** Whether `--short` runs it. */
  short: boolean
  run(sandbox: Sandbox): Promise<Verdict>
}

const [OLDEST, NEWEST] = [nodes[0], nodes.at(-1)]

/** A version between the oldest and the newest. All other tests use the newest. */
const VITEST_4 = VITESTS.find((version) => version.startsWith('4.1'))

/** Each pool once. */
const SHORT_POOLS = POOLS.filter(({ pool, isolate }) => isolate === (pool !== 'threads'))

/** The jobs without a test runner, which run on each Node. */
const ON_NODES = {
  '`@portslice/core`, imported and required': coreJob,
  '`@portslice/app-server`': appJob,
  '`portslice`, the command': commandJob,
}

const RUNTIME_JOBS: Job[] = own
  ? []
  : CAPABILITIES.flatMap((row) =>
      Object.entries(RUNTIMES).map(([column, runtime]) => ({
        table: 'runtime' as const,
        row,
        column,
        short: false,
        run: (sandbox: Sandbox) => runtimeJob(sandbox, row, runtime),
      })),
    )

const JOBS: Job[] = [
  ...RUNTIME_JOBS,
  ...Object.entries(ON_NODES).flatMap(([row, job]) =>
    nodes.map((node) => ({
      table: 'node' as const,
      row,
      column: `Node ${node}`,
      short: node === OLDEST || (node === NEWEST && job === coreJob),
      run: (sandbox: Sandbox) => job(sandbox, node),
    })),
  ),
  ...PLAYWRIGHTS.flatMap((playwright) =>
    nodes.map((node) => ({
      table: 'playwright' as const,
      row: playwright,
      column: `Node ${node}`,
      short: playwright === PLAYWRIGHTS[0] && (node === OLDEST || node === NEWEST),
      run: (sandbox: Sandbox) => playwrightJob(sandbox, { playwright, node }),
    })),
  ),
  ...VITESTS.flatMap((vitest) =>
    nodes.flatMap((node) =>
      POOLS.map((pool) => ({
        table: 'vitest' as const,
        row: vitestRow(vitest, node),
        column: nameOf(pool),
        short:
          node === OLDEST &&
          ((vitest === VITESTS[0] && SHORT_POOLS.includes(pool)) ||
            (vitest === VITEST_4 && pool === POOLS[0])),
        run: async (sandbox: Sandbox) => {
          const skipped = refusedBy(vitest, node)
          return skipped ? { skipped } : vitestJob(sandbox, { vitest, node, pool })
        },
      })),
    ),
  ),
]

const chosen = JOBS.filter(({ table, row, column, short }) =>
  positionals.length > 0
    ? positionals.every((part) => `${table} ${row} × ${column}`.includes(part))
    : short || !values.short,
)

const results: Result[] = []
{
  using sandbox = await Sandbox.open(own)
  for (const job of chosen) {
    const start = performance.now()
    const verdict = await job.run(sandbox).catch(
      (error): Verdict => ({
        passed: false,
        reason: 'it could not be tried',
        output: String((error as Error).stack ?? error),
      }),
    )
    const result = { table: job.table, row: job.row, column: job.column, verdict }
    results.push(result)
    console.log(formatResult(result, (performance.now() - start) / 1000))
  }
}

if (chosen.length === JOBS.length && !own) writePage(results)
if (RUNTIME_JOBS.length > 0 && RUNTIME_JOBS.every((job) => chosen.includes(job))) {
  writeRuntimes(results)
}
const skipped = results.filter(({ verdict }) => 'skipped' in verdict).length
const failed = results.filter(({ verdict }) => 'passed' in verdict && !verdict.passed).length
console.log(`${results.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || results.length === skipped ? 1 : 0
