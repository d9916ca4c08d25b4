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

export async function installRuntimes(directory: string): Promise<Runtimes> {
  const names = ['node', 'bun', 'deno'] as const
  const runtimes = await Promise.all(names.map((name) => installRuntime(name, directory)))
  return Object.fromEntries(names.map((name, i) => [name, runtimes[i]])) as Runtimes
}

/** Installs one of them below a directory. */
export async function installRuntime(name: keyof Runtimes, directory: string): Promise<Runtime> {
  if (name === 'node') return { binary: process.execPath, command: [process.execPath] }
  const folder = path.join(directory, name)
  await npmInstall(folder, { [name]: RUNTIME_VERSIONS[name] })
  // Not the scripts of the packages `bun` and `deno`: a signal would end the script, but not the runtime.
  if (name === 'bun') {
    const bun = findBinary(folder, '@oven', 'bin/bun')
    return { binary: bun, command: [bun] }
  }
  const deno = findBinary(folder, '@deno', 'deno')
  return { binary: deno, command: [deno, 'run', '--allow-all', '--no-check'] }
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
