/** Two folders as two `git clone`s of the suite would be, with portslice installed as built. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { FixtureProjects } from 'portslice-test/support/project'
import { TEST_FILES } from '../suite/size.ts'

const SUITE = fileURLToPath(new URL('../suite', import.meta.url))
const TESTING = fileURLToPath(
  new URL('..', import.meta.resolve('portslice-test/support/intervals')),
)

export class Checkouts implements Disposable {
  readonly #projects = new FixtureProjects()
  readonly folders: readonly [string, string]

  constructor() {
    const modules = path.join(this.#projects.folder, 'node_modules')
    symlinkSync(TESTING, path.join(modules, 'portslice-test'), 'dir')
    const files = suiteFiles()
    this.folders = [this.#projects.project(files).folder, this.#projects.project(files).folder]
  }

  /** A new folder that goes with the checkouts. */
  folder(name: string): string {
    const folder = path.join(this.#projects.folder, name)
    mkdirSync(folder)
    return folder
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
  // Templates, so that the tests of the workspace do not take them for their own.
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
