/** The packages as users have them: packed by `pnpm pack`, and installed by npm. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from './process.ts'

const WORKSPACE = fileURLToPath(new URL('../..', import.meta.url))

export interface PackedPackage {
  name: string
  /** The tarball. */
  file: string
  /** What is in it, as paths below the package. */
  contents: string[]
  /** The names of its dependencies. */
  dependencies: string[]
}

/** Packs all packages of this workspace, as they were built last, into a folder. */
export async function packAll(folder: string): Promise<PackedPackage[]> {
  const pnpm = ['npx', '--yes', 'pnpm@12', '--recursive', '--filter', './packages/*']
  const pack = ['--filter', '!@portslice/process-tree', 'pack', '--json']
  const { stdout } = await run([...pnpm, ...pack, '--pack-destination', folder], {
    cwd: WORKSPACE,
  })
  const packed = JSON.parse(stdout) as {
    name: string
    filename: string
    files: { path: string }[]
  }[]
  return packed.map(({ name, filename, files }) => ({
    name,
    file: path.resolve(folder, filename),
    contents: files.map((each) => each.path).toSorted(),
    dependencies: dependenciesOf(name),
  }))
}

function dependenciesOf(name: string): string[] {
  const folder = path.join(WORKSPACE, 'packages')
  const { dependencies = {} } = readdirSync(folder)
    .map((each) => JSON.parse(readFileSync(path.join(folder, each, 'package.json'), 'utf8')))
    .find((manifest) => manifest.name === name) as { dependencies?: Record<string, string> }
  return Object.keys(dependencies)
}

/** A package and those of ours that it needs: no registry has them. */
export function withDependencies(packed: readonly PackedPackage[], name: string): PackedPackage[] {
  const found = packed.find((each) => each.name === name)
  if (!found) return []
  const needed = found.dependencies.flatMap((each) => withDependencies(packed, each))
  return [...new Set([...needed, found])]
}

/** Dependencies of a `package.json`: our packages, as they were packed. */
export function fromTarballs(packed: readonly PackedPackage[]): Record<string, string> {
  return Object.fromEntries(packed.map(({ name, file }) => [name, `file:${file}`]))
}

/** An ESM project in `folder` with these dependencies, installed by npm; `options` are more of npm's. */
export async function npmInstall(
  folder: string,
  dependencies: Record<string, string>,
  options: readonly string[] = [],
): Promise<void> {
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    path.join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', dependencies }),
  )
  const npm = ['npm', 'install', '--ignore-scripts', '--no-package-lock', '--no-audit']
  await run([...npm, '--prefer-offline', ...options], { cwd: folder })
}

/**
 * The npm package that has the binary of a Node for this machine.
 *
 * @throws Error if the platform has none
 */
export function nodePackage(version: string): string {
  const platforms: Partial<Record<NodeJS.Platform, string>> = {
    linux: 'linux',
    darwin: 'darwin',
    win32: 'win',
  }
  const platform = platforms[process.platform]
  if (!platform) throw new Error(`There is no npm package with Node for ${process.platform}.`)
  return `npm:node-${platform}-${process.arch}@${version}`
}
