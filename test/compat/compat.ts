/**
 * Tries the packed packages on every version that they claim, prints what came of it, and writes
 * the tables of `docs/compatibility.md`. `--short` tries the oldest and the newest of some, and
 * writes nothing; `--node` tries a Node of this machine instead of those that are claimed, and writes
 * nothing either; further arguments are parts of the names of the cells to try.
 */
import { execFileSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { appCell } from './app-cell.ts'
import type { Verdict } from './cell.ts'
import { commandCell } from './command-cell.ts'
import { coreCell } from './core-cell.ts'
import { playwrightCell } from './playwright-cell.ts'
import { CAPABILITIES, RUNTIMES, runtimeCell } from './runtime-cell.ts'
import { type Place, printed, type Result, vitestRow, writePage, writeRuntimes } from './table.ts'
import { NODES, nameOf, PLAYWRIGHTS, POOLS, refusedBy, VITESTS } from './versions.ts'
import { vitestCell } from './vitest-cell.ts'
import { Workshop } from './workshop.ts'

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

/** For each cell whether the short form has it: these share two Nodes and one vitest. */
interface Cell extends Place {
  short: boolean
  run(workshop: Workshop): Promise<Verdict>
}

const [OLDEST, NEWEST] = [nodes[0], nodes.at(-1)]

/** Each pool once. */
const SHORT_POOLS = POOLS.filter(({ pool, isolate }) => isolate === (pool !== 'threads'))

/** What is tried on each Node and needs nothing else beside it. */
const ON_NODES = {
  '`@portslice/core`, imported and required': coreCell,
  '`@portslice/app-server`': appCell,
  '`portslice`, the command': commandCell,
}

const RUNTIME_CELLS: Cell[] = own
  ? []
  : CAPABILITIES.flatMap((row) =>
      Object.entries(RUNTIMES).map(([column, runtime]) => ({
        table: 'runtime' as const,
        row,
        column,
        short: false,
        run: (workshop: Workshop) => runtimeCell(workshop, row, runtime),
      })),
    )

const CELLS: Cell[] = [
  ...RUNTIME_CELLS,
  ...Object.entries(ON_NODES).flatMap(([row, cell]) =>
    nodes.map((node) => ({
      table: 'node' as const,
      row,
      column: `Node ${node}`,
      short: node === OLDEST || (node === NEWEST && cell === coreCell),
      run: (workshop: Workshop) => cell(workshop, node),
    })),
  ),
  ...PLAYWRIGHTS.flatMap((playwright) =>
    nodes.map((node) => ({
      table: 'playwright' as const,
      row: playwright,
      column: `Node ${node}`,
      short: playwright === PLAYWRIGHTS[0] && node === OLDEST,
      run: (workshop: Workshop) => playwrightCell(workshop, { playwright, node }),
    })),
  ),
  ...VITESTS.flatMap((vitest) =>
    nodes.flatMap((node) =>
      POOLS.map((pool) => ({
        table: 'vitest' as const,
        row: vitestRow(vitest, node),
        column: nameOf(pool),
        short: vitest === VITESTS[0] && node === OLDEST && SHORT_POOLS.includes(pool),
        run: async (workshop: Workshop) => {
          const skipped = refusedBy(vitest, node)
          return skipped ? { skipped } : vitestCell(workshop, { vitest, node, pool })
        },
      })),
    ),
  ),
]

const chosen = CELLS.filter(({ table, row, column, short }) =>
  positionals.length > 0
    ? positionals.every((part) => `${table} ${row} × ${column}`.includes(part))
    : short || !values.short,
)

const results: Result[] = []
{
  using workshop = await Workshop.open(own)
  for (const cell of chosen) {
    const start = performance.now()
    const verdict = await cell.run(workshop).catch(
      (error): Verdict => ({
        passed: false,
        reason: 'it could not be tried',
        said: String((error as Error).stack ?? error),
      }),
    )
    const result = { table: cell.table, row: cell.row, column: cell.column, verdict }
    results.push(result)
    console.log(printed(result, (performance.now() - start) / 1000))
  }
}

if (chosen.length === CELLS.length && !own) writePage(results)
if (RUNTIME_CELLS.length > 0 && RUNTIME_CELLS.every((cell) => chosen.includes(cell))) {
  writeRuntimes(results)
}
const skipped = results.filter(({ verdict }) => 'skipped' in verdict).length
const failed = results.filter(({ verdict }) => 'passed' in verdict && !verdict.passed).length
console.log(`${results.length - failed - skipped} passed, ${failed} failed, ${skipped} skipped`)
process.exitCode = failed > 0 || results.length === skipped ? 1 : 0
