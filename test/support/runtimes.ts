/** Bun and Deno from npm. The workspace does not depend on them, as each has some 90 MB. */
import { chmodSync, globSync } from 'node:fs'
import path from 'node:path'
import { npmInstall } from './installed.ts'

export const RUNTIME_VERSIONS = { bun: '1.4.5', deno: '2.9.6' } as const

export interface Runtime {
  binary: string
  /** All that comes before a script and its arguments. */
  command: readonly string[]
}

export type Runtimes = Record<'node' | 'bun' | 'deno', Runtime>

/** Installs them in a directory. */
export async function installRuntimes(directory: string): Promise<Runtimes> {
  await npmInstall(directory, RUNTIME_VERSIONS)
  // Not the scripts of the packages `bun` and `deno`: a signal would end those alone.
  const bun = findBinary(directory, '@oven/*/bin/bun{,.exe}')
  const deno = findBinary(directory, '@deno/*/deno{,.exe}')
  return {
    node: { binary: process.execPath, command: [process.execPath] },
    bun: { binary: bun, command: [bun] },
    deno: { binary: deno, command: [deno, 'run', '--allow-all', '--no-check'] },
  }
}

function findBinary(directory: string, pattern: string): string {
  const modules = path.join(directory, 'node_modules')
  const [found] = globSync(pattern, { cwd: modules })
  if (found === undefined) throw new Error(`npm installed no ${pattern} for this machine.`)
  const binary = path.join(modules, found)
  chmodSync(binary, 0o755)
  return binary
}
