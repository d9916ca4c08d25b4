/** Reads the package.json files that apply to a source file. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

export interface ProjectInfo {
  isModule: boolean
  /** The names of all dependencies. */
  dependencies: ReadonlySet<string>
  /** The names under `dependencies`, which users of the package also install. */
  production: ReadonlySet<string>
  scripts: readonly string[]
}

const UNKNOWN: ProjectInfo = {
  isModule: false,
  dependencies: new Set(),
  production: new Set(),
  scripts: [],
}

interface Manifest {
  type?: unknown
  scripts?: Record<string, unknown>
  dependencies?: object
  devDependencies?: object
  peerDependencies?: object
  optionalDependencies?: object
}

const known = new Map<string, ProjectInfo>()

/** The closest package.json above the file, with the dependencies and scripts of all package.json files above. */
export function projectOf(file: string): ProjectInfo {
  return projectIn(path.dirname(path.resolve(file)))
}

function projectIn(directory: string): ProjectInfo {
  const cached = known.get(directory)
  if (cached) return cached
  const parent = path.dirname(directory)
  const above = parent === directory ? UNKNOWN : projectIn(parent)
  const manifest = manifestIn(directory)
  const info: ProjectInfo = manifest
    ? {
        isModule: manifest.type === 'module',
        dependencies: new Set([
          ...above.dependencies,
          ...[
            manifest.dependencies,
            manifest.devDependencies,
            manifest.peerDependencies,
            manifest.optionalDependencies,
          ].flatMap((each) => Object.keys(each ?? {})),
        ]),
        production: new Set(Object.keys(manifest.dependencies ?? {})),
        scripts: [...above.scripts, ...Object.values(manifest.scripts ?? {}).map(String)],
      }
    : above
  known.set(directory, info)
  return info
}

function manifestIn(directory: string): Manifest | undefined {
  try {
    return JSON.parse(readFileSync(path.join(directory, 'package.json'), 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

const INSTALLERS = [
  ['pnpm-lock.yaml', 'pnpm add -D'],
  ['yarn.lock', 'yarn add -D'],
  ['bun.lock', 'bun add -d'],
  ['bun.lockb', 'bun add -d'],
  ['package-lock.json', 'npm install -D'],
] as const

/** The command that installs packages in this project. The lock file shows the package manager. */
export function installCommand(directory: string, packages: readonly string[]): string {
  for (let parent = path.resolve(directory); ; parent = path.dirname(parent)) {
    const found = INSTALLERS.find(([lockFile]) => existsSync(path.join(parent, lockFile)))
    if (found || parent === path.dirname(parent)) {
      return [found?.[1] ?? 'npm install -D', ...packages].join(' ')
    }
  }
}
