/**
 * Measures portslice and alternatives, prints tables, and writes `docs/performance.md` with charts.
 * `--short` measures only a few rounds. Arguments select rows by a part of their names. Neither
 * writes files, unless `--into DIRECTORY` is given.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { machine } from './machine.ts'
import { formatMachine, formatResult, type Result, writePage } from './page.ts'
import { ROWS } from './rows/index.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false }, into: { type: 'string' } },
})
const { short, into } = values
const chosen = ROWS.filter(
  ({ name }) =>
    positionals.length === 0 ||
    positionals.some((part) => name.toLowerCase().includes(part.toLowerCase())),
)

const surroundings = machine()
console.log(formatMachine(surroundings))
const results: Result[] = []
for (const row of chosen) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-bench-'))
  const start = performance.now()
  try {
    const measured = await row.run({ short, folder }).catch((error) => error as Error)
    const result = { row, measured }
    results.push(result)
    console.log(formatResult(result, (performance.now() - start) / 1000))
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

if (into !== undefined || (!short && positionals.length === 0)) {
  writePage(results, surroundings, into)
}
const unmeasured = results.filter(({ measured }) => measured instanceof Error)
const targets = results.flatMap(({ measured }) =>
  measured instanceof Error ? [] : measured.targets,
)
const missed = targets.filter(({ met }) => met === false)
console.log(
  `\n${results.length - unmeasured.length} of ${chosen.length} rows measured, ${missed.length} of ${targets.length} targets missed`,
)
// A missed target is a result; a row that cannot be measured is a failure.
process.exitCode = unmeasured.length > 0 || results.length === 0 ? 1 : 0
