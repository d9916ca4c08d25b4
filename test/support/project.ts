/** Small projects in a temporary folder, on which the real test runners are run. */
import { type ChildProcess, spawn } from 'node:child_process'
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
import { listenTo, type Outcome, type Output } from './output.ts'

export type { Outcome } from './output.ts'

const OUR_PACKAGES = fileURLToPath(new URL('../../packages', import.meta.url))
const DEPENDENCIES = fileURLToPath(new URL('../node_modules', import.meta.url))

/** The runners' variables of the run that this is called from must not reach the run inside. */
const INHERITED_FROM_RUNNERS =
  /^(VITEST|TEST$|TEST_|NODE_ENV$|NODE_OPTIONS$|FORCE_COLOR$|npm_|PORTSLICE_|CI$|CI_|CIRCLE|BUILDKITE|SYSTEM_|BITBUCKET_|SEMAPHORE_|HEROKU_)/

/**
 * A folder with copies of our built packages in its `node_modules`, as an installation has
 * them, and with links to what the workspace has installed; and projects below it.
 */
export class Playground implements Disposable {
  readonly folder: string
  #projects = 0

  /** @param further `node_modules` folders, whose packages are linked as well */
  constructor(further: readonly string[] = []) {
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-playground-'))
    const modules = path.join(this.folder, 'node_modules')
    mkdirSync(path.join(modules, '@portslice'), { recursive: true })
    for (const name of readdirSync(OUR_PACKAGES)) {
      const built = path.join(OUR_PACKAGES, name)
      if (!existsSync(path.join(built, 'dist'))) continue
      const manifest = readFileSync(path.join(built, 'package.json'), 'utf8')
      const copy = path.join(modules, (JSON.parse(manifest) as { name: string }).name)
      cpSync(path.join(built, 'dist'), path.join(copy, 'dist'), { recursive: true })
      cpSync(path.join(built, 'package.json'), path.join(copy, 'package.json'))
    }
    for (const each of [DEPENDENCIES, ...further]) linkAll(each, modules)
  }

  /** Writes a project. `package.json` makes it ESM unless `files` has one. */
  project(files: Record<string, string>): Project {
    const folder = path.join(this.folder, `project-${++this.#projects}`)
    mkdirSync(path.join(folder, '.git'), { recursive: true })
    const defaults = { 'package.json': '{ "type": "module" }' }
    for (const [name, text] of Object.entries({ ...defaults, ...files })) {
      mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
      writeFileSync(path.join(folder, name), text)
    }
    return new Project(folder)
  }

  /** Removes the folder, unless $KEEP_PROJECTS is set: then it says where it is. */
  [Symbol.dispose](): void {
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

export interface RunOptions {
  env?: Record<string, string>
  /** ms; only ends what hangs. Default: 240 000. */
  timeout?: number
  /** The Node to run it on. Default: this one. */
  node?: string
}

export class Project {
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

  /** Runs a script of a package, or with `packageName` undefined a file of the project, on this Node. */
  async run(
    packageName: string | undefined,
    script: string,
    args: string[],
    options: RunOptions = {},
  ): Promise<Outcome> {
    return this.start(packageName, script, args, options).ended
  }

  /** As {@link run}, for what goes on until it is disposed of. */
  start(
    packageName: string | undefined,
    script: string,
    args: string[],
    options: RunOptions = {},
  ): Running {
    const file = packageName
      ? path.join(this.folder, '..', 'node_modules', packageName, script)
      : this.file(script)
    return new Running([file, ...args], {
      cwd: this.folder,
      lockDirectory: this.lockDirectory,
      ...options,
    })
  }
}

type NodeOptions = RunOptions & { cwd: string; lockDirectory?: string }

export function runNode(args: string[], options: NodeOptions): Promise<Outcome> {
  return new Running(args, options).ended
}

/** A Node process, with what it has printed so far. */
export class Running implements AsyncDisposable {
  readonly ended: Promise<Outcome>
  readonly #child: ChildProcess
  readonly #stdout: Output

  constructor(args: string[], options: NodeOptions) {
    const { cwd, lockDirectory, env = {}, timeout = 240_000, node = process.execPath } = options
    const child = spawn(node, args, {
      cwd,
      env: {
        ...cleanEnvironment(),
        ...(lockDirectory && { PORTSLICE_LOCK_DIR: lockDirectory }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout,
      killSignal: 'SIGKILL',
    })
    this.#child = child
    const { stdout, ended } = listenTo(child)
    this.#stdout = stdout
    this.ended = ended
  }

  /** Waits until it has printed `text` to stdout `times` times. */
  async untilSaid(text: string, times = 1): Promise<void> {
    await this.#stdout.until((said) => said.split(text).length > times || null, text)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill()
    await this.ended
  }
}

/** The environment without what the test runner that calls this has put there. */
export function cleanEnvironment(): Record<string, string> {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      (entry): entry is [string, string] =>
        entry[1] !== undefined && !INHERITED_FROM_RUNNERS.test(entry[0]),
    ),
  )
}
