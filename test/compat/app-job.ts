/** Tests @portslice/app-server on a version of Node: several processes start apps at the same time. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileScript } from '../support/compile-script.ts'
import { intervalsIn, nodeIn, type Verdict, verdictOf } from './job.ts'
import type { Sandbox } from './sandbox.ts'

const SCRIPT = fileURLToPath(new URL('processes/start-apps.ts', import.meta.url))
const PROCESSES = 3
/** The number of notes of each process: three times two apps, with one port each. */
const HAND_OUTS = 6

export async function appJob(sandbox: Sandbox, node: string): Promise<Verdict> {
  const folder = await sandbox.project(
    '@portslice/app-server',
    {},
    {
      'start-apps.js': await compileScript(SCRIPT, 'esm'),
      'app.js': `
      import http from 'node:http'
      http.createServer((_, response) => response.end(process.env.PORT)).listen(process.env.PORT)
    `,
    },
  )
  const record = path.join(folder, 'intervals.ndjson')
  const run = nodeIn(folder, await sandbox.node(node))
  const outcomes = await Promise.all(
    Array.from({ length: PROCESSES }, () => run(path.join(folder, 'start-apps.js'), record)),
  )
  return verdictOf(outcomes, intervalsIn(record), PROCESSES * HAND_OUTS)
}
