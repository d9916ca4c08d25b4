/** Runs programs in parallel with the command, then `list`, `map`, `doctor` and `clean`. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileScript } from '../support/compile-script.ts'
import type { Outcome } from '../support/process.ts'
import { intervalsIn, nodeIn, type Verdict, verdictOf } from './job.ts'
import type { Sandbox } from './sandbox.ts'

const SCRIPT = fileURLToPath(new URL('processes/serve-named.ts', import.meta.url))
const RUNS = 4
/** The ports of `web` and `api`. */
const NAMES = ['web', 'api']

export async function commandJob(sandbox: Sandbox, node: string): Promise<Verdict> {
  const folder = await sandbox.project(
    'portslice',
    {},
    {
      'serve-named.js': await compileScript(SCRIPT, 'esm'),
    },
  )
  const record = path.join(folder, 'intervals.ndjson')
  const binary = await sandbox.node(node)
  const command = path.join(folder, '../node_modules/portslice/dist/portslice.js')
  const run = nodeIn(folder, binary)
  const portslice = (...args: string[]) => run(command, ...args)
  const program = [binary, 'serve-named.js', record]
  const names = NAMES.flatMap((name) => ['--name', name])
  const runs = await Promise.all(
    Array.from({ length: RUNS }, () => portslice('run', ...names, '--', ...program)),
  )
  const others = [
    await portslice('list', '--json'),
    await portslice('map'),
    await portslice('doctor'),
    await portslice('clean'),
  ]
  return verdictOf([...runs, ...others.map(failIfSilent)], intervalsIn(record), RUNS * NAMES.length)
}

/** A command that prints nothing has failed, with any status. */
function failIfSilent(outcome: Outcome): Outcome {
  return outcome.stdout.trim() === '' ? { ...outcome, status: 99 } : outcome
}
