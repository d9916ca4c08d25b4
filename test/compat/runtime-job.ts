/** One thing that portslice can do, on one runtime. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compiled } from '../support/compiled.ts'
import { runNode } from '../support/process.ts'
import { installRuntimes, RUNTIME_VERSIONS, type Runtimes } from '../support/runtimes.ts'
import { type Verdict, verdictOf } from './job.ts'
import type { Sandbox } from './sandbox.ts'

const SCRIPT = fileURLToPath(new URL('processes/capabilities.ts', import.meta.url))

/** In the order of the table. */
export const CAPABILITIES = [
  'take and release',
  'a leak is seen',
  'the same port for a key',
  'more ports than a slice has',
  'consecutive ports',
  'releaseWhenClosed',
  'claimPort, and its time-out',
  'claimPorts',
  'namedPort',
  'listen',
  'listSlices',
  'errors with a code',
  'a port in a worker thread',
  'startApp',
] as const

export const RUNTIMES: Record<string, keyof Runtimes | undefined> = {
  [`Node ${process.versions.node}`]: 'node',
  [`Bun ${RUNTIME_VERSIONS.bun}`]: 'bun',
  [`Deno ${RUNTIME_VERSIONS.deno}`]: 'deno',
  'Node on musl': undefined,
  'Node on macOS': undefined,
  'Node on Windows': undefined,
}

let installed: Promise<Runtimes> | undefined
let project: Promise<string> | undefined

export async function runtimeJob(
  sandbox: Sandbox,
  capability: string,
  runtime: keyof Runtimes | undefined,
): Promise<Verdict> {
  if (!runtime) return { skipped: 'never run' }
  installed ??= installRuntimes(path.join(sandbox.folder, 'runtimes'))
  project ??= createProject(sandbox)
  const { command } = (await installed)[runtime]
  const [binary, ...args] = [...command, 'capabilities.js', capability]
  const cwd = await project
  const outcome = await runNode(args, {
    cwd,
    node: binary as string,
    lockDirectory: path.join(cwd, 'locks'),
    env: { APP: `'${process.execPath}' server.cjs` },
    timeout: 60_000,
  })
  return verdictOf([outcome], [], 0)
}

async function createProject(sandbox: Sandbox): Promise<string> {
  return sandbox.project(
    '@portslice/app-server',
    {},
    {
      'package.json': '{ "type": "module" }',
      'capabilities.js': await compiled(SCRIPT, 'esm'),
      'server.cjs':
        "require('node:http').createServer((_, answer) => answer.end('here')).listen(process.env.PORT)",
    },
  )
}
