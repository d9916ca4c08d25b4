/** `portslice run --write-env`: the ports in a file. */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import {
  COMMAND,
  PORTSLICE,
  portslice,
  sh,
  start,
  startFile,
  useLockDirectory,
} from '../support/command.ts'
import type { TestProcess } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('--write-env', () => {
  test('--write-env writes a file of its own, for as long as the program runs', async () => {
    const cwd = temporaryFolder()
    const file = path.join(cwd, '.env.ports')
    const run = start(
      ['run', '--name', 'web', '--write-env', '.env.ports', '--', ...sh('echo $WEB_PORT; read x')],
      { ...options, cwd },
    )
    const [, port] = await run.said(/^(\d+)\n/)
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(
        `^# .*pid ${run.pid}.*\n# Run: .*\nWEB_PORT=${port}\nPORTSLICE_PORT_WEB=${port}\n$`,
      ),
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const second = await portslice(['run', '--write-env', '.env.ports', 'true'], {
      ...options,
      cwd,
    })
    expect(second).toMatchObject({ status: 1, stderr: expect.stringContaining(`pid ${run.pid}`) })
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
    expect(readdirSync(cwd)).toEqual([])
  })

  test.each(['a pipe', 'a link', 'a directory'])(
    '--write-env refuses %s, without waiting',
    async (what) => {
      const cwd = temporaryFolder()
      const file = path.join(cwd, 'ports')
      if (what === 'a pipe') execFileSync('mkfifo', [file])
      if (what === 'a link') symlinkSync(path.join(cwd, 'elsewhere'), file)
      if (what === 'a directory') mkdirSync(file)
      const { ino } = lstatSync(file)
      expect(
        await portslice(['run', '--write-env', 'ports', '--', 'true'], { ...options, cwd }),
      ).toMatchObject({ status: 1, stderr: expect.stringContaining('is not a regular file') })
      expect(lstatSync(file).ino).toBe(ino)
      expect(readdirSync(cwd)).toEqual(['ports'])
    },
  )

  test('--env-file is --write-env, unless Node takes it', async () => {
    const cwd = temporaryFolder()
    const args = ['run', '--env-file', 'ports', '--', 'cat', 'ports']
    const missing = await portslice(args, { ...options, cwd })
    expect(missing).toMatchObject({ status: 9, stderr: expect.stringMatching(/ports: not found/) })
    writeFileSync(path.join(cwd, 'ports'), '')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was not written by portslice'),
    })
    rmSync(path.join(cwd, 'ports'))
    const left = await leftByKilledRun(cwd)
    const { status, stdout } = await portslice(args, { ...options, cwd })
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^# Written by portslice, pid \d+, .*\n# Run.*\nPORT=\d+\n$/),
    })
    expect(stdout).not.toBe(left)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('--write-env replaces what a dead run left, and no other files', async () => {
    const cwd = temporaryFolder()
    const file = path.join(cwd, 'ports')
    const args = ['run', '--write-env', 'ports', '--', 'cat', 'ports']
    writeFileSync(file, 'SECRET=1\n')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was not written by portslice'),
    })
    expect(readFileSync(file, 'utf8')).toBe('SECRET=1\n')
    rmSync(file)
    await leftByKilledRun(cwd)
    expect(await portslice(args, { ...options, cwd })).toMatchObject({ status: 0, stderr: '' })
    expect(readdirSync(cwd)).toEqual([])
  })

  test('of runs that start at once, one gets the file', async () => {
    const cwd = temporaryFolder()
    const args = ['run', '--write-env', 'ports', '--', ...sh('echo $PORT; read x')]
    const runs = Array.from({ length: 4 }, () => start(args, { ...options, cwd }))
    const losers = new Set<TestProcess>()
    await new Promise<void>((resolve) => {
      for (const run of runs) {
        void run.ended.then(() => {
          if (losers.add(run).size === 3) resolve()
        })
      }
    })
    for (const { ended } of losers) {
      expect(await ended).toMatchObject({ status: 1, stderr: expect.stringContaining('is active') })
    }
    const winner = runs.find((run) => !losers.has(run)) as TestProcess
    const [, port] = await winner.said(/^(\d+)\n/)
    expect(readFileSync(path.join(cwd, 'ports'), 'utf8')).toContain(`PORT=${port}\n`)
    winner.child.stdin?.end('\n')
    expect((await winner.ended).status).toBe(0)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('a run that is stopped is not taken for dead', async () => {
    const cwd = temporaryFolder()
    const args = ['run', '--write-env', 'ports', '--', ...sh('echo $PORT; read x')]
    const run = start(args, { ...options, cwd })
    await run.said(/^\d+\n/)
    run.child.kill('SIGSTOP')
    await expect.poll(() => stateOf(run.pid)).toBe('T')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(`another run that is active (pid ${run.pid})`),
    })
    run.child.kill('SIGCONT')
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
  })

  test('a run of another kernel is not taken for dead', async () => {
    const cwd = temporaryFolder()
    const file = path.join(cwd, 'ports')
    await leftByKilledRun(cwd)
    const elsewhere = readFileSync(file, 'utf8').replace(/ on \S+, /, ' on another-boot, ')
    writeFileSync(file, elsewhere)
    expect(
      await portslice(['run', '--write-env', 'ports', 'true'], { ...options, cwd }),
    ).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('may still be active'),
    })
    expect(readFileSync(file, 'utf8')).toBe(elsewhere)
  })

  test('without its socket, a run is known by pid, start time and pid namespace', async (context) => {
    if (process.platform !== 'linux') context.skip('Only Linux tells start times and namespaces.')
    const cwd = temporaryFolder()
    const file = path.join(cwd, 'ports')
    const args = ['run', '--write-env', 'ports', '--', ...sh('echo $PORT; read x')]
    const run = start(args, { ...options, cwd })
    await run.said(/^\d+\n/)
    for (const name of readdirSync(cwd)) if (name.endsWith('.sock')) rmSync(path.join(cwd, name))
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('another run that is active'),
    })
    // The same pid, as if it had been given to a later process.
    writeFileSync(file, readFileSync(file, 'utf8').replace(/started at \d+/, 'started at 1'))
    expect(
      await portslice(['run', '--write-env', 'ports', 'true'], { ...options, cwd }),
    ).toMatchObject({
      status: 0,
      stderr: '',
    })
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
  })

  test('a container that is restarted after SIGKILL has pid 1 again, and gets its file', async (context) => {
    const namespaces = ['--pid', '--fork', '--kill-child', '--mount-proc']
    skipWithout(namespaces, context)
    const cwd = temporaryFolder()
    const inContainer = (program: string[]) => {
      // Its own lock directory is gone as well, so the port is the same.
      const lockDirectory = path.join(temporaryFolder(), 'locks')
      const args = [...namespaces, process.execPath, COMMAND, 'run', '--write-env', 'ports', '--']
      return startFile('unshare', [...args, ...program], { lockDirectory, cwd })
    }
    const first = inContainer(sh('echo port $PORT; read x'))
    const [, port] = await first.said(/port (\d+)/)
    expect(readFileSync(path.join(cwd, 'ports'), 'utf8')).toMatch(/^# Written by portslice, pid 1,/)
    first.child.kill('SIGKILL')
    await first.ended
    const second = inContainer(['cat', 'ports'])
    second.child.stdin?.end()
    expect(await second.ended).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`PORT=${port}\n`),
    })
  })

  test('the file of a run in another network namespace is left alone', async (context) => {
    skipWithout(['--net'], context)
    const cwd = temporaryFolder()
    const inside = `ip link set lo up && exec ${PORTSLICE} run --write-env ports -- sh -c 'echo up; read x'`
    const run = startFile('unshare', ['--net', ...sh(inside)], { ...options, cwd })
    await run.said(/up/)
    expect(
      await portslice(['run', '--write-env', 'ports', 'true'], { ...options, cwd }),
    ).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('another run that is active'),
    })
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
  })
})

/** Leaves the file `ports` of a run that was killed. */
async function leftByKilledRun(cwd: string): Promise<string> {
  const args = ['run', '--write-env', 'ports', '--', ...sh('echo up; read x')]
  const run = start(args, { ...options, cwd })
  await run.said(/up/)
  run.child.kill('SIGKILL')
  run.child.stdin?.end()
  await run.ended
  return readFileSync(path.join(cwd, 'ports'), 'utf8')
}

const stateOf = (pid: number) =>
  /^State:\t(.)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]

function skipWithout(namespaces: string[], { skip }: TestContext): void {
  const { status } = spawnSync('unshare', [...namespaces, 'true'])
  if (status !== 0) skip(`This user may not make namespaces (unshare ${namespaces.join(' ')}).`)
}

describe('a running server', () => {
  test('namedPort gives its number where Node has read the file', async () => {
    const cwd = temporaryFolder()
    const args = [
      'run',
      '--name',
      'web',
      '--write-env',
      '.env.ports',
      '--',
      ...sh('echo $WEB_PORT; read x'),
    ]
    const run = start(args, { ...options, cwd })
    const [, port] = await run.said(/^(\d+)\n/)
    const core = JSON.stringify(import.meta.resolve('@portslice/core'))
    const code = `import { namedPort } from ${core}; console.log(await namedPort('web'))`
    const other = startFile(
      process.execPath,
      ['--env-file=.env.ports', '--input-type=module', '--eval', code],
      { ...options, cwd },
    )
    other.child.stdin?.end()
    expect(await other.ended).toMatchObject({ status: 0, stdout: `${port}\n` })
    run.child.stdin?.end('\n')
    await run.ended
  })

  test.runIf(TEST_ALL)(
    "is what Playwright's reuseExistingServer uses; without it, Playwright starts its own",
    async () => {
      using projects = new FixtureProjects()
      const project = projects.project({
        'server.js': `
        import { createServer } from 'node:http'
        const { PORT, NAME } = process.env
        createServer((_, response) => response.end(NAME)).listen(PORT, () => console.log('serving'))
      `,
        'playwright.config.ts': `
        import { existsSync } from 'node:fs'
        import { defineConfig } from '@playwright/test'
        import { namedPort } from '@portslice/core'

        if (existsSync('.env.ports')) process.loadEnvFile('.env.ports')
        const port = await namedPort('web')
        export default defineConfig({
          webServer: {
            command: 'node server.js',
            env: { PORT: String(port), NAME: 'started by Playwright' },
            port,
            reuseExistingServer: true,
          },
          use: { baseURL: 'http://localhost:' + port },
        })
      `,
        'server.spec.ts': `
        import { expect, test } from '@playwright/test'
        test('which server is it?', async ({ request }) => {
          expect(await (await request.get('/')).text()).toBe(process.env.EXPECTED)
        })
      `,
      })
      const { lockDirectory } = project
      const playwright = (EXPECTED: string) => project.playwright([], { env: { EXPECTED } })
      const args = ['run', '--name', 'web', '--write-env', '.env.ports', '--']
      const program = sh(
        `PORT=$WEB_PORT NAME='running already' exec '${process.execPath}' server.js`,
      )
      const run = start([...args, ...program], { lockDirectory, cwd: project.folder })
      await run.said(/serving/)
      expect(await playwright('running already')).toMatchObject({ status: 0 })
      run.child.kill('SIGTERM')
      await run.ended
      expect(await playwright('started by Playwright')).toMatchObject({ status: 0 })
    },
  )
})
