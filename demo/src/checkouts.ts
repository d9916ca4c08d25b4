import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { FixtureProjects } from 'portslice-test/support/project'
import { TEST_FILES } from '../suite/size.ts'

const SUITE = fileURLToPath(new URL('../suite', import.meta.url))
const TEST_PACKAGE = fileURLToPath(
  new URL('..', import.meta.resolve('portslice-test/support/intervals')),
)

/** Two copies of the suite with the built packages installed, like two `git clone`s. */
export class Checkouts implements Disposable {
  readonly #projects = new FixtureProjects()
  readonly directories: readonly [string, string]

  constructor() {
    const modules = path.join(this.#projects.folder, 'node_modules')
    symlinkSync(TEST_PACKAGE, path.join(modules, 'portslice-test'), 'dir')
    const files = suiteFiles()
    this.directories = [this.#projects.project(files).folder, this.#projects.project(files).folder]
  }

  /** Creates a directory that is removed with the checkouts. */
  createDirectory(name: string): string {
    const directory = path.join(this.#projects.folder, name)
    mkdirSync(directory)
    return directory
  }

  [Symbol.dispose](): void {
    this.#projects[Symbol.dispose]()
  }
}

function suiteFiles(): Record<string, string> {
  const files: Record<string, string> = {}
  for (const file of readdirSync(SUITE)) {
    if (file.endsWith('.ts')) files[file] = read(file)
  }
  // Named as templates, so that vitest does not run them in the workspace.
  const tests = read('tests/servers.template.ts')
  for (let number = 1; number <= TEST_FILES; number++) {
    files[`tests/servers-${String(number).padStart(2, '0')}.test.ts`] = tests
  }
  files['browser/pages.spec.ts'] = read('browser/pages.template.ts')
  return files
}

function read(file: string): string {
  return readFileSync(path.join(SUITE, file), 'utf8')
}
