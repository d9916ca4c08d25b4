/** `portslice migrate`: its changes to files, its output, and whole suites that it has moved. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { portslice } from '../support/command.ts'
import {
  jestWithWorkerId,
  nodeTestWithTable,
  TABLE_SIZE,
  vitestWithGetPort,
} from '../support/migrate-projects.ts'
import { cleanEnvironment, type Outcome, runNode } from '../support/process.ts'
import { type FixtureProject, FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const BEFORE = "import getPort from 'get-port'\n\nserve(await getPort())\n"
const AFTER = "import { takePort } from '@portslice/core'\n\nserve(await takePort())\n"

function git(cwd: string, ...args: string[]): string {
  const identity = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']
  return execFileSync('git', [...identity, ...args], {
    cwd,
    encoding: 'utf8',
    env: cleanEnvironment(),
  })
}

function write(directory: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(directory, name)), { recursive: true })
    writeFileSync(path.join(directory, name), text)
  }
}

function commit(directory: string): void {
  git(directory, 'init', '--quiet')
  git(directory, 'add', '--all')
  git(directory, 'commit', '--quiet', '--message', 'As it was')
}

function repository(files: Record<string, string>): string {
  const directory = temporaryFolder()
  write(directory, files)
  commit(directory)
  return directory
}

const read = (directory: string, name: string) => readFileSync(path.join(directory, name), 'utf8')

function migrate(cwd: string, ...args: string[]): Promise<Outcome> {
  return portslice(['migrate', ...args], { cwd })
}

describe('without --write', () => {
  test('shows a diff that git can apply, and changes nothing', async () => {
    const directory = repository({ 'src/a.test.mjs': BEFORE, 'b.mjs': 'server.listen(3000)\n' })
    const { status, stdout, stderr } = await migrate(directory)
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('b.mjs:1  server.listen(3000)\n    Port 3000 is fixed')
    expect(stdout).toContain('Would change 1 place in 1 file. 1 place left to you.')
    expect(stdout).toContain('Install what the files import: npm install -D @portslice/core')
    expect(git(directory, 'status', '--porcelain')).toBe('')
    write(directory, { 'changes.patch': stdout })
    git(directory, 'apply', 'changes.patch')
    expect(read(directory, 'src/a.test.mjs')).toBe(AFTER)
  })

  test('names the package manager of the project, and only missing packages', async () => {
    const directory = repository({
      'a.mjs': BEFORE,
      'pnpm-lock.yaml': '',
      'has-it/package.json': '{ "devDependencies": { "@portslice/core": "*" } }',
      'has-it/a.mjs': BEFORE,
    })
    expect((await migrate(directory)).stdout).toContain('pnpm add -D @portslice/core\n')
    expect((await migrate(directory, 'has-it')).stdout).not.toContain('Install')
  })

  test('reads what git would add, and the paths that are named', async () => {
    const directory = repository({ '.gitignore': 'out/\n', 'a.mjs': BEFORE, 'b/c.mts': BEFORE })
    write(directory, { 'out/d.mjs': BEFORE, 'new.mjs': BEFORE, 'node_modules/e/f.js': BEFORE })
    const filesOf = async (...paths: string[]) => {
      const { stdout } = await migrate(directory, '--json', ...paths)
      return (JSON.parse(stdout) as { files: { file: string }[] }).files.map(({ file }) => file)
    }
    expect(await filesOf()).toEqual(['a.mjs', 'b/c.mts', 'new.mjs'])
    expect(await filesOf('b', 'out/d.mjs', 'b/c.mts')).toEqual(['b/c.mts', 'out/d.mjs'])
  })

  test('says so if there is nothing to do', async () => {
    const directory = repository({ 'a.mjs': 'export const a = 1\n' })
    expect(await migrate(directory)).toMatchObject({ status: 0, stdout: 'Nothing to change.\n' })
  })

  test.each([
    [['nowhere'], 'There is no file or directory "nowhere"'],
    [['--write', '--dry-run'], 'exclude each other'],
    [['--writ'], "Did you mean '--write'?"],
  ])('%j is answered with what to do, and status 2', async (args, message) => {
    const answer = await migrate(temporaryFolder(), ...args)
    expect(answer).toMatchObject({ status: 2, stdout: '' })
    expect(answer.stderr).toContain(message)
  })
})

test('the example in the docs is what the command prints', async () => {
  const page = readFileSync(new URL('../../docs/migrate.md', import.meta.url), 'utf8')
  const [, code, printed] = /^```ts\n(.*?)^```\n.*?^```diff\n(.*?)^```\n/ms.exec(page) ?? []
  const directory = repository({ 'server.test.ts': code as string })
  const { stdout } = await portslice(['migrate'], { cwd: directory, env: { COLUMNS: '100' } })
  expect(stdout).toBe(printed)
})

describe('with --write', () => {
  test('changes the files, keeps their modes, and changes nothing the second time', async () => {
    const directory = repository({ 'a.mjs': BEFORE, 'b.mjs': BEFORE.replaceAll('\n', '\r\n') })
    chmodSync(path.join(directory, 'a.mjs'), 0o755)
    git(directory, 'commit', '--quiet', '--all', '--allow-empty', '--message', 'Mode')
    expect(await migrate(directory, '--write')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Changed 2 files of 2.'),
    })
    expect(read(directory, 'a.mjs')).toBe(AFTER)
    expect(read(directory, 'b.mjs')).toBe(AFTER.replaceAll('\n', '\r\n'))
    expect(statSync(path.join(directory, 'a.mjs')).mode & 0o777).toBe(0o755)
    expect(readdirSync(directory).sort()).toEqual(['.git', 'a.mjs', 'b.mjs'])
    expect((await migrate(directory, '--write')).stdout).toBe('Nothing to change.\n')
  })

  test('does not change what git could not restore, unless forced', async () => {
    const directory = repository({ 'clean.mjs': BEFORE, 'edited.mjs': 'as it was\n' })
    write(directory, { 'edited.mjs': BEFORE, 'untracked.mjs': BEFORE })
    const { status, stdout } = await migrate(directory, '--write')
    expect(status).toBe(1)
    expect(stdout).toContain('edited.mjs was not changed: it has changes that are not committed.')
    expect(stdout).toContain('untracked.mjs was not changed: it is not in git.')
    expect(stdout).toContain('Changed 1 file of 3.')
    expect(['clean', 'edited', 'untracked'].map((name) => read(directory, `${name}.mjs`))).toEqual([
      AFTER,
      BEFORE,
      BEFORE,
    ])
    expect(await migrate(directory, '--write', '--force')).toMatchObject({ status: 0 })
    expect(read(directory, 'edited.mjs')).toBe(AFTER)
    expect(read(directory, 'untracked.mjs')).toBe(AFTER)
  })

  test('changes the target of a symbolic link, and keeps the link', async () => {
    const directory = repository({ 'a.mjs': BEFORE })
    symlinkSync('a.mjs', path.join(directory, 'link.mjs'))
    expect(await migrate(directory, '--write', 'link.mjs')).toMatchObject({ status: 0 })
    expect(lstatSync(path.join(directory, 'link.mjs')).isSymbolicLink()).toBe(true)
    expect(read(directory, 'a.mjs')).toBe(AFTER)
  })

  test('leaves a file that cannot be parsed, or is not UTF-8, as it is', async () => {
    const broken = "import getPort from 'get-port'\nconst = getPort()\n"
    const directory = repository({ 'broken.mjs': broken, 'a.mjs': BEFORE })
    const bytes = Buffer.concat([Buffer.from(BEFORE), Buffer.from([0xff, 0xfe])])
    writeFileSync(path.join(directory, 'latin.mjs'), bytes)
    const { status, stdout } = await migrate(directory, '--write')
    expect(status).toBe(0)
    expect(stdout).toContain('broken.mjs:2\n    This file cannot be parsed')
    expect(stdout).toContain('latin.mjs is not UTF-8')
    expect(read(directory, 'broken.mjs')).toBe(broken)
    expect(readFileSync(path.join(directory, 'latin.mjs'))).toEqual(bytes)
    expect(read(directory, 'a.mjs')).toBe(AFTER)
  })
})

test('does not change files that must agree on a number', async () => {
  const sum = 'export const port = 4000 + Number(process.env.VITEST_POOL_ID)\n'
  const directory = repository({ 'a.test.ts': `import 'vitest'\n${sum}`, 'server.ts': sum })
  const { stdout } = await migrate(directory)
  expect(stdout.match(/The same sum stands in several places/g)).toHaveLength(2)
  // Test files run one after the other in a worker, and each has a server of its own.
  const tests = repository({
    'a.test.ts': `import 'vitest'\n${sum}`,
    'b.test.ts': `import 'vitest'\n${sum}`,
  })
  expect((await migrate(tests)).stdout).toContain('Would change 2 places in 2 files.')
})

describe('migrated suites run in two checkouts at once', { timeout: 600_000 }, () => {
  const EXAMPLES = fileURLToPath(new URL('../../examples', import.meta.url))
  const projects = new FixtureProjects([path.join(EXAMPLES, 'jest', 'node_modules')])
  afterAll(() => projects[Symbol.dispose]())

  const REPETITIONS = TEST_ALL ? 8 : 1
  /** The most that is done by hand after `migrate`. */
  const MAX_LINES_BY_HAND = 10

  let meetings = 0

  /** Runs both at the same time, with one lock directory. */
  async function runBoth(
    checkouts: readonly FixtureProject[],
    run: (checkout: FixtureProject, env: Record<string, string>) => Promise<Outcome>,
  ): Promise<Outcome[]> {
    const env = {
      MEETING: path.join(projects.folder, `meeting-${++meetings}`),
      PORTSLICE_LOCK_DIR: path.join(projects.folder, 'locks'),
    }
    return Promise.all(checkouts.map((checkout) => run(checkout, env)))
  }

  function checkoutsOf(files: Record<string, string>): FixtureProject[] {
    return [0, 1].map(() => {
      const project = projects.project(files)
      commit(project.folder)
      return project
    })
  }

  /** Moves them with the command, then by hand; asserts that there was little to do by hand. */
  async function move(
    checkouts: readonly FixtureProject[],
    byHand: Record<string, (text: string) => string>,
  ): Promise<string> {
    let said = ''
    for (const { folder } of checkouts) {
      const { status, stdout } = await migrate(folder, '--write')
      expect(status, stdout).toBe(0)
      said = stdout
      git(folder, 'commit', '--quiet', '--all', '--allow-empty', '--message', 'Moved')
      for (const [name, edit] of Object.entries(byHand)) {
        const file = path.join(folder, name)
        const before = statSync(file, { throwIfNoEntry: false }) ? read(folder, name) : ''
        const after = edit(before)
        expect(after, name).not.toBe(before)
        write(folder, { [name]: after })
      }
      git(folder, 'add', '--all')
      const added = git(folder, 'diff', '--cached', '--numstat')
      const lines = [...added.matchAll(/^(\d+)/gm)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
      expect(lines).toBeLessThanOrEqual(MAX_LINES_BY_HAND)
    }
    return said
  }

  function expectSuccess(outcomes: readonly Outcome[]): void {
    for (const { status, stdout, stderr } of outcomes) expect(status, stdout + stderr).toBe(0)
  }

  /** At least one finds a port of the other in use: that is why projects move. */
  function expectCollision(outcomes: readonly Outcome[]): void {
    const printed = outcomes.map(({ stdout, stderr }) => stdout + stderr).join('\n')
    expect(outcomes.some(({ status }) => status !== 0)).toBe(true)
    expect(printed).toContain('EADDRINUSE')
  }

  test('vitest, with `await getPort()` in `beforeAll`', async () => {
    const checkouts = checkoutsOf(vitestWithGetPort())
    const said = await move(checkouts, {})
    expect(said).not.toContain('left to you')
    expect(read(checkouts[0]?.folder as string, 'test/orders.test.js')).not.toContain('get-port')
    for (let i = 0; i < REPETITIONS; i++) {
      expectSuccess(await runBoth(checkouts, (checkout, env) => checkout.vitest([], { env })))
    }
  })

  test.runIf(TEST_ALL)('Jest, with `$JEST_WORKER_ID` in sums', async () => {
    const checkouts = checkoutsOf(jestWithWorkerId())
    const run = (checkout: FixtureProject, env: Record<string, string>) =>
      checkout.run('jest', 'bin/jest.js', [], { env })
    expectCollision(await runBoth(checkouts, run))
    const said = await move(checkouts, {
      'test/users.test.js': (text) =>
        text
          .replace(/const port = .*/, "const { takePort } = require('@portslice/core')\nlet port")
          .replace('  server = await', '  port = await takePort()\n  server = await'),
    })
    expect(said).toContain('test/users.test.js:5  21200 + Number(process.env.JEST_WORKER_ID)')
    expect(said).toContain('1 place left to you')
    for (let i = 0; i < REPETITIONS; i++) expectSuccess(await runBoth(checkouts, run))
  })

  test.runIf(TEST_ALL)(
    'node:test, with a table of 100 ports that is read when a file is loaded',
    async () => {
      const checkouts = checkoutsOf(nodeTestWithTable())
      const suite = ['--test', 'test/orders.test.js', 'test/users.test.js']
      expectCollision(
        await runBoth(checkouts, ({ folder }, env) => runNode(suite, { cwd: folder, env })),
      )
      const said = await move(checkouts, {
        'test/ports-map.js': (text) => `${text.replace('module.exports =', 'const table =')}
const ports = require('@portslice/core').portsFromEnv()
module.exports = Object.fromEntries(Object.keys(table).map((name, i) => [name, ports[i]]))
`,
      })
      expect(said).toContain('test/ports-map.js:1  {')
      expect(said).toContain('portsFromEnv()')
      for (let i = 0; i < REPETITIONS; i++) {
        expectSuccess(
          await runBoth(checkouts, (checkout, env) =>
            checkout.run(
              'portslice',
              'dist/portslice.js',
              ['run', '--count', String(TABLE_SIZE), '--', process.execPath, ...suite],
              { env },
            ),
          ),
        )
      }
    },
  )
})
