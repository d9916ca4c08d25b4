/** One thing that portslice can do, on one runtime. */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { compileScript } from '../support/compile-script.ts'
import { type Outcome, runNode } from '../support/process.ts'
import {
  installRuntime,
  RUNTIME_VERSIONS,
  type Runtime,
  type Runtimes,
} from '../support/runtimes.ts'
import { HAS_WINE, NODE_FOR_WINE, NodeOnWine } from '../support/wine.ts'
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

/** Where a capability is tried. Without `run`, this machine cannot. */
interface Place {
  run?(sandbox: Sandbox, capability: string): Promise<Outcome>
}

/** A Bun that npm does not install on a machine with glibc, for example on an emulated musl. */
const BUN_ON_MUSL = process.env.BUN_ON_MUSL
const IS_MUSL = process.platform === 'linux' && !hasGlibc()

/** By the column of the table. */
export const RUNTIMES: Record<string, Place> = {
  [`Node ${process.versions.node}`]: { run: on('node') },
  [`Bun ${RUNTIME_VERSIONS.bun}`]: { run: on('bun') },
  [`Deno ${RUNTIME_VERSIONS.deno}`]: { run: on('deno') },
  [`Bun ${RUNTIME_VERSIONS.bun} on musl`]: IS_MUSL
    ? { run: on('bun') }
    : BUN_ON_MUSL
      ? { run: (sandbox, capability) => runOn(sandbox, capability, [BUN_ON_MUSL]) }
      : {},
  'Node on musl': IS_MUSL ? { run: on('node') } : {},
  [`Node ${NODE_FOR_WINE} for Windows, under Wine`]: HAS_WINE ? { run: runOnWine } : {},
  'Node on macOS': process.platform === 'darwin' ? { run: on('node') } : {},
  'Node on Windows': process.platform === 'win32' ? { run: on('node') } : {},
}

function hasGlibc(): boolean {
  const report = process.report?.getReport() as { header?: { glibcVersionRuntime?: string } }
  return report?.header?.glibcVersionRuntime !== undefined
}

/** Musl, macOS and Windows may have been tested on another machine: see `writeRuntimes`. */
export const NEVER_RUN = 'never run'

export async function runtimeJob(
  sandbox: Sandbox,
  capability: string,
  { run }: Place,
): Promise<Verdict> {
  return run ? verdictOf([await run(sandbox, capability)], [], 0) : { skipped: NEVER_RUN }
}

const installed = new Map<string, Promise<Runtime>>()
let project: Promise<string> | undefined
let wine: Promise<NodeOnWine> | undefined

function on(name: keyof Runtimes) {
  return async (sandbox: Sandbox, capability: string): Promise<Outcome> => {
    const directory = path.join(sandbox.folder, 'runtimes')
    const known = installed.get(name) ?? installRuntime(name, directory)
    installed.set(name, known)
    return runOn(sandbox, capability, (await known).command)
  }
}

async function runOn(
  sandbox: Sandbox,
  capability: string,
  [binary, ...args]: readonly string[],
): Promise<Outcome> {
  project ??= createProject(sandbox)
  const cwd = await project
  return runNode([...args, 'capabilities.js', capability], {
    cwd,
    node: binary as string,
    lockDirectory: path.join(cwd, 'locks'),
    env: { APP: `"${process.execPath}" server.cjs` },
    timeout: 60_000,
  })
}

async function runOnWine(sandbox: Sandbox, capability: string): Promise<Outcome> {
  project ??= createProject(sandbox)
  const cwd = await project
  wine ??= NodeOnWine.install(path.join(sandbox.folder, 'wine'))
  const node = await wine
  const { status, output } = await node.run(['capabilities.js', capability], cwd, {
    APP: `"${node.binary}" server.cjs`,
  })
  return { status, signal: null, stdout: output, stderr: '' }
}

async function createProject(sandbox: Sandbox): Promise<string> {
  return sandbox.project(
    '@portslice/app-server',
    {},
    {
      'package.json': '{ "type": "module" }',
      'capabilities.js': await compileScript(SCRIPT, 'esm'),
      'server.cjs':
        "require('node:http').createServer((_, answer) => answer.end('here')).listen(process.env.PORT)",
    },
  )
}
