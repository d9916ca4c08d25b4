/** Usage errors, help, the manual page, and the command as npm installs it. */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { portslice, sh, startFile, useLockDirectory } from '../support/command.ts'
import { cleanEnvironment } from '../support/process.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('mistakes', () => {
  test.each([
    [['lits'], "Did you mean 'list'?"],
    [['run', '--nam', 'x', 'y'], "Did you mean '--name'?"],
    [['run'], 'portslice run -- COMMAND'],
    [['list', '--watch'], 'stdout is not a terminal'],
    [['--verison'], "Did you mean '--version'?"],
    [['--quite-another'], 'Its options are --help, --version'],
    [['claim', '99999', 'x'], '"99999" is not a port'],
    [['claim', '--', 'npm', 'start'], 'Write: portslice claim 3000 -- npm start'],
    [['claim', '3000', '3001,3000', 'x'], 'Port 3000 is named more than once'],
    [['claim', '--name', 'web', '3000', '3001', 'x'], 'There are 1 names for 2 ports'],
    [['run', '--prefer', '3000', '--prefer', '3001', 'x'], 'given 2 times for 1 port'],
    [['run', '--prefer', 'web', 'x'], '"web" is not a port'],
    [['run', '--linger', '5', '--wait-all', 'x'], 'exclude each other'],
    [['run', '--linger', 'x', 'x'], 'The option --linger is "x"'],
    [['claim', '--timeout', 'x', '3000', 'x'], 'The option --timeout is "x"'],
    [['run', '--timeout', '-1', 'x'], 'The option --timeout needs a value'],
    [['run', '--shard', '5/4', 'x'], 'The option --shard is "5/4", which is not a shard'],
    [['run', '--range', 'x', 'x'], 'The option --range is "x"'],
    [['run', '--range', '1-2', 'x'], 'Stay between'],
    [
      ['map', '--range', '20010-20020'],
      'The option --range is "20010-20020": it contains no complete',
    ],
  ])('%j fails with advice and status 2', async (args, message) => {
    expect(await portslice(args, options)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })

  // `migrate` and `completion` read no variable of portslice.
  test.each([
    ['run', 'node', '--version'],
    ['claim', '20003', 'node', '--version'],
    ['list'],
    ['list', '--json'],
    ['why', '20003'],
    ['map'],
    ['ui'],
    ['clean'],
    ['doctor'],
  ])('%s with a misspelt variable', async (...args) => {
    const env = { PORTSLICE_LOCK_DIRECTORY: '/nowhere' }
    const { status, stdout, stderr } = await portslice(args, { ...options, env })
    expect(status).toBe(1)
    // `doctor` reports it among its findings.
    const printed = args[0] === 'doctor' ? stdout : stderr
    expect(printed).toContain('There is no environment variable $PORTSLICE_LOCK_DIRECTORY')
    expect(printed).toContain("Did you mean '$PORTSLICE_LOCK_DIR'?")
  })

  test('help fits the terminal', async () => {
    for (const args of [['--help'], ['run', '--help'], ['claim', '--help'], []]) {
      const { stdout, stderr } = await portslice(args, { ...options, env: { COLUMNS: '60' } })
      expect(stdout + stderr).toContain('portslice')
      for (const line of (stdout + stderr).split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    }
  })

  test('help of each subcommand starts with examples', async () => {
    for (const name of ['run', 'claim', 'list', 'map', 'doctor', 'clean', 'migrate']) {
      const { status, stdout } = await portslice([name, '--help'], options)
      expect(status).toBe(0)
      expect(stdout).toMatch(new RegExp(`^portslice ${name}: .*\n\n  portslice ${name}`))
      expect((await portslice(['help', name], options)).stdout).toBe(stdout)
      for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    }
    expect((await portslice(['--help'], options)).stdout).toContain('portslice run -- npm start')
    expect((await portslice(['--version'], options)).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

test('the manual page is valid', ({ skip }) => {
  const page = fileURLToPath(new URL('../../packages/cli/man/portslice.1', import.meta.url))
  const { error, status, stdout, stderr } = spawnSync(
    'groff',
    ['-man', '-Tutf8', '-ww', '-P-c', page],
    { encoding: 'utf8' },
  )
  if (error) skip('groff is not installed.')
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  // Bold letters are printed twice, with a backspace between.
  const text = stdout.replaceAll(new RegExp(`.${'\b'}`, 'g'), '')
  expect(text).toContain('portslice run --prefer 3000 -- npm start')
  expect(text).toContain('PORTSLICE WHY')
})

test.runIf(TEST_ALL)('installed from its tarball, npx runs it', { timeout: 300_000 }, async () => {
  const folder = temporaryFolder()
  const env = { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: options.lockDirectory }
  const npm = (args: string[], cwd: string) =>
    execFileSync('npm', args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
  const tarballs = ['core', 'cli'].map((name) => {
    const source = fileURLToPath(new URL(`../../packages/${name}`, import.meta.url))
    const copy = path.join(folder, name)
    cpSync(path.join(source, 'dist'), path.join(copy, 'dist'), { recursive: true })
    const manifest = readFileSync(path.join(source, 'package.json'), 'utf8')
    // What pnpm does when it publishes.
    writeFileSync(path.join(copy, 'package.json'), manifest.replaceAll('workspace:^', '^0.1.0'))
    return path.join(copy, npm(['pack', '--silent'], copy).trim())
  })
  const project = path.join(folder, 'project')
  mkdirSync(project)
  writeFileSync(path.join(project, 'package.json'), '{ "private": true }')
  npm(['install', '--offline', '--no-audit', '--no-fund', ...tarballs], project)
  const npx = startFile(
    'npx',
    ['--offline', 'portslice', 'run', '--', ...sh('echo "{PORT} $PORT"; exit 6')],
    {
      ...options,
      cwd: project,
    },
  )
  const { status, stdout } = await npx.ended
  expect(stdout).toMatch(/^(\d+) \1\n$/)
  expect(status).toBe(6)
})
