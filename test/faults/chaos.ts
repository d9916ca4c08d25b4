/**
 * Breaks portslice on purpose, prints what happened, and writes the table of
 * `docs/faults.md`. `--short` tries each fault a few times, and writes nothing; further
 * arguments name the faults to try, by a part of their names.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Fault, isSkipped, type Outcome } from './fault.ts'
import { FAULTS } from './rows/index.ts'
import { formatOutcome, writeResults } from './table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { short: { type: 'boolean', default: false } },
})
const { short } = values
const chosen = FAULTS.filter(
  ({ fault }) =>
    positionals.length === 0 || positionals.some((part) => fault.toLowerCase().includes(part)),
)

const results: { fault: Fault; outcome: Outcome }[] = []
for (const fault of chosen) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-chaos-'))
  const start = performance.now()
  try {
    const outcome = await fault.run({ short, folder }).catch(
      (error): Outcome => ({
        times: 0,
        observed: 'it could not be tried to the end',
        broken: [String((error as Error).stack ?? error)],
      }),
    )
    results.push({ fault, outcome })
    console.log(formatOutcome(fault, outcome, (performance.now() - start) / 1000))
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

const broken = results.filter(({ outcome }) => !isSkipped(outcome) && outcome.broken.length > 0)
const skipped = results.filter(({ outcome }) => isSkipped(outcome))
if (!short && positionals.length === 0) writeResults(results)
console.log(
  `${results.length - broken.length - skipped.length} passed, ${broken.length} failed, ${skipped.length} skipped`,
)
process.exitCode = broken.length > 0 || results.length === skipped.length ? 1 : 0
