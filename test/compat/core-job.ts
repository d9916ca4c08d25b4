/** @portslice/core on a version of Node: imported and required, in processes, threads and a cluster. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileScript } from '../support/compile-script.ts'
import { intervalsIn, nodeIn, type Verdict, verdictOf } from './job.ts'
import type { Sandbox } from './sandbox.ts'

const SCRIPT = fileURLToPath(new URL('processes/take-ports.ts', import.meta.url))

const PLACES = { process: 1, threads: 2, cluster: 2 }
/** The number of notes of each process, thread or worker. */
const HAND_OUTS = 21

export async function coreJob(sandbox: Sandbox, node: string): Promise<Verdict> {
  const folder = await sandbox.project(
    '@portslice/core',
    {},
    {
      'package.json': '{ "type": "module" }',
      'imported.js': await compileScript(SCRIPT, 'esm'),
      'required.cjs': await compileScript(SCRIPT, 'cjs'),
    },
  )
  const record = path.join(folder, 'intervals.ndjson')
  const run = nodeIn(folder, await sandbox.node(node))
  const outcomes = await Promise.all(
    ['imported.js', 'required.cjs'].flatMap((script) =>
      Object.keys(PLACES).map((place) => run(path.join(folder, script), record, place)),
    ),
  )
  const members = Object.values(PLACES).reduce((sum, count) => sum + count)
  return verdictOf(outcomes, intervalsIn(record), 2 * members * HAND_OUTS)
}
