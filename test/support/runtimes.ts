/** Bun and Deno from npm. The workspace does not depend on them, as each has some 90 MB. */
import { chmodSync, existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { npmInstall } from './installed.ts'

export const RUNTIME_VERSIONS = { bun: '1.4.5', deno: '2.9.6' } as const

export interface Runtime {
  binary: string
  /** The words before a script and its arguments. */
  command: readonly string[]
}

export type Runtimes = Record<'node' | 'bun' | 'deno', Runtime>

/** Installs them in a directory. */
export async function installRuntimes(directory: string): Promise<Runtimes> {
  await npmInstall(directory, RUNTIME_VERSIONS)
  // Not the scripts of the packages `bun` and `deno`: a signal would end those alone.
  const bun = findBinary(directory, '@oven', 'bin/bun')
  const deno = findBinary(directory, '@deno', 'deno')
  return {
    node: { binary: process.execPath, command: [process.execPath] },
    bun: { binary: bun, command: [bun] },
    deno: { binary: deno, command: [deno, 'run', '--allow-all', '--no-check'] },
  }
}

/** npm installs the one package of a scope that is for this machine. */
function findBinary(directory: string, scope: string, file: string): string {
  const packages = path.join(directory, 'node_modules', scope)
  const [binary] = readdirSync(packages)
    .flatMap((name) => [file, `${file}.exe`].map((each) => path.join(packages, name, each)))
    .filter((each) => existsSync(each))
  if (binary === undefined) throw new Error(`npm installed no ${scope} package for this machine.`)
  chmodSync(binary, 0o755)
  return binary
}
