import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type Outcome,
  type ProcessOptions,
  runNode,
  startNode,
  type TestProcess,
} from './process.ts'

const OUR_PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url))
const DEPENDENCIES = fileURLToPath(new URL('../node_modules', import.meta.url))

/**
 * Small projects for the real test runners, in a temporary directory whose `node_modules` has copies of
 * our built packages, as an installation has them, and links to what the workspace has installed.
 */
export class FixtureProjects implements Disposable {
  readonly #further: readonly string[]
  #folder: string | undefined
  #projects = 0

  /** @param further `node_modules` folders, whose packages are linked as well */
  constructor(further: readonly string[] = []) {
    this.#further = further
  }

  /** Made at its first use: if all tests of a file are skipped, nothing would remove it. */
  get folder(): string {
    this.#folder ??= this.#make()
    return this.#folder
  }

  #make(): string {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-fixtures-'))
    const modules = path.join(folder, 'node_modules')
    mkdirSync(path.join(modules, '@portslice'), { recursive: true })
    for (const name of readdirSync(OUR_PACKAGES)) {
      const built = path.join(OUR_PACKAGES, name)
      if (!existsSync(path.join(built, 'dist'))) continue
      const manifest = readFileSync(path.join(built, 'package.json'), 'utf8')
      const copy = path.join(modules, (JSON.parse(manifest) as { name: string }).name)
      cpSync(path.join(built, 'dist'), path.join(copy, 'dist'), { recursive: true })
      cpSync(path.join(built, 'package.json'), path.join(copy, 'package.json'))
    }
    for (const each of [DEPENDENCIES, ...this.#further]) linkAll(each, modules)
    return folder
  }

  /** Writes a project. `package.json` makes it ESM unless `files` has one. */
  project(files: Record<string, string>): FixtureProject {
    const folder = path.join(this.folder, `project-${++this.#projects}`)
    mkdirSync(path.join(folder, '.git'), { recursive: true })
    const defaults = { 'package.json': '{ "type": "module" }' }
    for (const [name, text] of Object.entries({ ...defaults, ...files })) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      writeFileSync(path.join(folder, name), text)
    }
    return new FixtureProject(folder)
  }

  /** Removes the folder, unless $KEEP_PROJECTS is set: then it says where it is. */
  [Symbol.dispose](): void {
    if (this.#folder === undefined) return
    if (process.env.KEEP_PROJECTS) console.log(`The projects are kept in ${this.folder}`)
    else rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 })
  }
}

/** Links what one `node_modules` has into another, leaving what is there already. */
function linkAll(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name.startsWith('.') || name === '@portslice') continue
    if (name.startsWith('@')) {
      mkdirSync(path.join(to, name), { recursive: true })
      linkAll(path.join(from, name), path.join(to, name))
    } else if (!existsSync(path.join(to, name))) {
      symlinkSync(path.join(from, name), path.join(to, name), 'dir')
    }
  }
}

export type RunOptions = Pick<ProcessOptions, 'env' | 'timeout' | 'node'>

export class FixtureProject {
  readonly folder: string
  /** Locks of this project's runs, unless a run is given others. */
  readonly lockDirectory: string

  constructor(folder: string) {
    this.folder = folder
    this.lockDirectory = path.join(folder, 'locks')
  }

  file(name: string): string {
    return path.join(this.folder, name)
  }

  /** Runs vitest once; the JSON report is parsed from a file. */
  async vitest(args: string[] = [], options: RunOptions = {}): Promise<Outcome> {
    return this.run('vitest', 'vitest.mjs', ['run', ...args], options)
  }

  async playwright(args: string[] = [], options: RunOptions = {}): Promise<Outcome> {
    return this.run('@playwright/test', 'cli.js', ['test', ...args], options)
  }

  /** Runs a script of a package, or with `packageName` undefined a file of the project, on Node. */
  async run(
    packageName: string | undefined,
    script: string,
    args: string[],
    options: RunOptions = {},
  ): Promise<Outcome> {
    return runNode([this.#script(packageName, script), ...args], this.#options(options))
  }

  /** As {@link run}, for a process that runs until it is disposed of. */
  start(
    packageName: string | undefined,
    script: string,
    args: string[],
    options: RunOptions = {},
  ): TestProcess {
    const command = [this.#script(packageName, script), ...args]
    return startNode(command, { stdin: 'ignore', ...this.#options(options) })
  }

  #script(packageName: string | undefined, script: string): string {
    return packageName
      ? path.join(this.folder, '..', 'node_modules', packageName, script)
      : this.file(script)
  }

  #options(options: RunOptions): ProcessOptions {
    return { cwd: this.folder, lockDirectory: this.lockDirectory, ...options }
  }
}
