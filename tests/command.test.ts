/** The command as a user meets it: built, in pipes and in a terminal, with programs of all kinds. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAllocator, listSlices } from '@portslice/core'
import { cleanEnvironment } from 'portslice-testing/project'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import {
  COMMAND,
  InTerminal,
  isRunning,
  P,
  portslice,
  type Started,
  type StartOptions,
  start,
  startFile,
  temporaryFolder,
} from './command-run.ts'

const TELL_SIGNALS = fileURLToPath(new URL('processes/tell-signals.ts', import.meta.url))
const tellSignals = ['run', '--', process.execPath, TELL_SIGNALS]
const sh = (script: string) => ['sh', '-c', script]

let lockDirectory: string
let options: StartOptions
beforeEach(() => {
  lockDirectory = path.join(temporaryFolder(), 'locks')
  options = { lockDirectory }
})

/** The ports that are out, of those who use the lock directory of this test. */
async function portsOut(): Promise<number[]> {
  const slices = await listSlices({ lockDirectory })
  return slices
    .filter(({ holder }) => holder)
    .flatMap(({ ports }) => ports.filter(({ state }) => state === 'out').map(({ port }) => port))
}

/**
 * A slice that nobody holds, to claim ports of: below the default range, where nothing that runs
 * beside this leases one, and another than the next run of these tests would have at the same time.
 */
async function ownSlice(): Promise<{ first: number; last: number; port: number }> {
  const workerId = process.pid
  await using allocator = await createAllocator({ lockDirectory, range: [1088, 3071], workerId })
  const { port } = await allocator.take()
  return { ...(allocator.slices[0] as { first: number; last: number }), port }
}

const count = (text: string, part: string) => text.split(part).length - 1

describe('run', () => {
  test('input, output and exit status are those of the program; the port is in $PORT and {PORT}', async () => {
    const run = start(
      ['run', '--', ...sh('read x; echo "$x $PORT {PORT}"; echo err >&2; exit 7')],
      options,
    )
    run.child.stdin.end('hello\n')
    const { status, stdout, stderr } = await run.ended
    expect(stdout).toMatch(/^hello (\d+) \1\n$/)
    expect({ status, stderr }).toEqual({ status: 7, stderr: 'err\n' })
    expect(await portsOut()).toEqual([])
    expect(readdirSync(lockDirectory).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('a port for each name, out while the program runs, and found by namedPort', async () => {
    const core = JSON.stringify(import.meta.resolve('@portslice/core'))
    const code = `import { namedPort } from ${core}; console.log('named ' + (await namedPort('web')))`
    const names = ['--name', 'web', '--name', 'my-api', '--range', '20000-20999', '--shard', '2/2']
    const script = `echo $WEB_PORT $MY_API_PORT {WEB_PORT} $PORTSLICE_RANGE $PORTSLICE_SHARD; '${process.execPath}' --input-type=module -e "$1"; read x`
    const run = start(['run', ...names, '--', ...sh(script), 'sh', code], options)
    const [, web, api] = await run.said(/^(\d+) (\d+) \1 20000-20999 2\/2\nnamed \1\n/)
    expect(await portsOut()).toEqual([Number(web), Number(api)])
    expect(Number(web)).toBeGreaterThanOrEqual(20_496)
    run.child.stdin.end('\n')
    expect((await run.ended).status).toBe(0)
    expect(await portsOut()).toEqual([])
  })

  test('runs within runs have ports of their own', async () => {
    const inner = `${P} run -- sh -c 'echo $PORT; read x'`
    const run = start(['run', '--', ...sh(`echo $PORT; ${inner}`)], options)
    const [, one, other] = await run.said(/^(\d+)\n(\d+)\n/)
    expect(one).not.toBe(other)
    expect(await portsOut()).toEqual([Number(one), Number(other)].sort((a, b) => a - b))
    run.child.stdin.end('\n')
    expect((await run.ended).status).toBe(0)
  })

  test.each([
    ['a program that a signal ended', sh('kill -KILL $$'), 137, ''],
    [
      'a program that is not there',
      ['no-such-program'],
      127,
      'There is no command "no-such-program"',
    ],
    ['a file that is not executable', ['./package.json'], 126, 'chmod +x'],
    ['a script whose interpreter is not there', ['./script'], 127, 'its first line'],
  ])('%s', async (_, program, status, message) => {
    const cwd = temporaryFolder()
    writeFileSync(path.join(cwd, 'package.json'), '{}')
    writeFileSync(path.join(cwd, 'script'), '#!/no/such/interpreter\n', { mode: 0o755 })
    const outcome = await portslice(['run', '--', ...program], { ...options, cwd })
    expect(outcome).toMatchObject({ status, stdout: '', stderr: expect.stringContaining(message) })
    expect(await portsOut()).toEqual([])
  })

  test('two worktrees at once differ, and each gets its port again', async () => {
    const repository = path.join(temporaryFolder(), 'main')
    const worktree = path.join(temporaryFolder(), 'other')
    const git = (...args: string[]) => execFileSync('git', args, { stdio: 'ignore' })
    git('init', repository)
    const author = ['-c', 'user.name=x', '-c', 'user.email=x@example.org']
    git('-C', repository, ...author, 'commit', '--allow-empty', '-m', 'x')
    git('-C', repository, 'worktree', 'add', worktree)
    const both = async () => {
      const runs = [repository, worktree].map((cwd) =>
        start(['run', '--', ...sh('echo $PORT; read x')], { ...options, cwd }),
      )
      const ports = await Promise.all(runs.map(async (run) => (await run.said(/^(\d+)\n/))[1]))
      for (const run of runs) run.child.stdin.end('\n')
      await Promise.all(runs.map(({ ended }) => ended))
      return ports
    }
    const ports = await both()
    expect(ports[0]).not.toBe(ports[1])
    // The first choice may be held by somebody else on this machine, so it is not looked at which.
    expect(ports.every((port) => Number(port) > 1023)).toBe(true)
  })

  test('--write-env writes a file of its own, for as long as the program runs', async () => {
    const cwd = temporaryFolder()
    const file = path.join(cwd, '.env.ports')
    const run = start(
      ['run', '--name', 'web', '--write-env', '.env.ports', '--', ...sh('echo $WEB_PORT; read x')],
      { ...options, cwd },
    )
    const [, port] = await run.said(/^(\d+)\n/)
    expect(readFileSync(file, 'utf8')).toMatch(
      new RegExp(`^# .*pid ${run.pid}.*\nWEB_PORT=${port}\n$`),
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const second = await portslice(['run', '--write-env', '.env.ports', 'true'], {
      ...options,
      cwd,
    })
    expect(second).toMatchObject({ status: 1, stderr: expect.stringContaining(`pid ${run.pid}`) })
    run.child.stdin.end('\n')
    expect((await run.ended).status).toBe(0)
    expect(readdirSync(cwd)).toEqual([])
  })

  test.each(['a pipe', 'a link', 'a folder'])(
    '--write-env refuses %s, and waits for nobody',
    async (what) => {
      const cwd = temporaryFolder()
      const file = path.join(cwd, 'ports')
      if (what === 'a pipe') execFileSync('mkfifo', [file])
      if (what === 'a link') symlinkSync(path.join(cwd, 'elsewhere'), file)
      if (what === 'a folder') mkdirSync(file)
      const { ino } = lstatSync(file)
      expect(
        await portslice(['run', '--write-env', 'ports', '--', 'true'], { ...options, cwd }),
      ).toMatchObject({ status: 1, stderr: expect.stringContaining('is no plain file') })
      expect(lstatSync(file).ino).toBe(ino)
      expect(readdirSync(cwd)).toEqual(['ports'])
    },
  )

  test('--env-file is --write-env, as far as Node lets it through', async () => {
    const cwd = temporaryFolder()
    const args = ['run', '--env-file', 'ports', '--', 'cat', 'ports']
    const missing = await portslice(args, { ...options, cwd })
    expect(missing).toMatchObject({ status: 9, stderr: expect.stringMatching(/ports: not found/) })
    writeFileSync(path.join(cwd, 'ports'), '')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was not written by portslice'),
    })
    const left = '# Written by portslice, pid 1, for as long as it runs.\nPORT=20000\n'
    writeFileSync(path.join(cwd, 'ports'), left)
    const { status, stdout } = await portslice(args, { ...options, cwd })
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(/^# Written by portslice, pid \d+, .*\nPORT=\d+\n$/),
    })
    expect(stdout).not.toBe(left)
    expect(readdirSync(cwd)).toEqual([])
  })

  test('--write-env replaces what a dead run left, and nothing of anybody else', async () => {
    const cwd = temporaryFolder()
    const file = path.join(cwd, 'ports')
    const args = ['run', '--write-env', 'ports', '--', 'cat', 'ports']
    writeFileSync(file, 'SECRET=1\n')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('was not written by portslice'),
    })
    expect(readFileSync(file, 'utf8')).toBe('SECRET=1\n')
    writeFileSync(file, '# Written by portslice, pid 1, for as long as it runs.\nPORT=20000\n')
    expect(await portslice(args, { ...options, cwd })).toMatchObject({ status: 0, stderr: '' })
    expect(existsSync(file)).toBe(false)
  })
})

describe('run, when all ports are taken', () => {
  let first: Started
  let range: string
  beforeEach(async () => {
    // Below the default range, where nothing that runs beside this leases a slice.
    first = start(['run', '--range', '3072-3999', '--', ...sh('echo $PORT; read x')], options)
    const [, port] = await first.said(/^(\d+)\n/)
    const slice = Number(port) - (Number(port) % 32)
    range = `${slice}-${slice + 31}`
  })

  test('waits its turn, and says for whom', async () => {
    const wait = ['--range', range, '--timeout', '60']
    const second = start(['run', ...wait, '--', ...sh('echo then {PORT}')], options)
    const held = `${range.split('-')[0]} \\(portslice run .*, pid ${first.pid}\\)`
    await second.complained(new RegExp(`waiting: all slices of ${range} are held: ${held}`))
    first.child.stdin.end('\n')
    expect(await second.ended).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^then \d+\n$/),
    })
  })

  test('in vain, it names who has them, and options of the command', async () => {
    const vain = await portslice(['run', '--range', range, '--timeout', '0', 'true'], options)
    expect(vain.status).toBe(1)
    expect(vain.stderr).toMatch(new RegExp(`${range}: pid ${first.pid}, .*, 1 port out\n`))
    expect(vain.stderr).toMatch(/--range FIRST-LAST .* --timeout SECONDS/)
    expect(vain.stderr).not.toMatch(/waitTimeout|`/)
    expect(vain.stderr).not.toContain('waiting')
  })
})

describe('signals', () => {
  const ways = {
    'sent to the command': { toGroup: false, inOwnGroup: false },
    'sent to its whole group': { toGroup: true, inOwnGroup: false },
    'sent to its whole group, which the program has left': { toGroup: true, inOwnGroup: true },
  }
  const signals = ['SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR2', 'SIGALRM'] as const
  test.each(
    signals.flatMap((signal) =>
      Object.keys(ways).map((way) => [signal, way as keyof typeof ways] as const),
    ),
  )('%s reaches the program once, %s', { timeout: 30_000 }, async (signal, way) => {
    const { toGroup, inOwnGroup } = ways[way]
    const program = [...(inOwnGroup ? ['setsid'] : []), process.execPath, TELL_SIGNALS]
    const run = start(['run', '--', ...program], { ...options, detached: true })
    await run.said(/ready/)
    process.kill(toGroup ? -run.pid : run.pid, signal)
    await run.said(new RegExp(`got ${signal}`))
    // This one is passed on after all that is still to come of the first.
    const next = signal === 'SIGUSR2' ? 'SIGALRM' : 'SIGUSR2'
    process.kill(run.pid, next)
    await run.said(new RegExp(`got ${next}`))
    process.kill(run.pid, 'SIGTERM')
    const { status, stdout } = await run.ended
    expect({ status, times: count(stdout, `got ${signal}`) }).toEqual({ status: 3, times: 1 })
  })

  test('a program that ends by the signal gives 128 and its number', async () => {
    const run = start(['run', '--', ...sh('echo ready; exec sleep 1000')], options)
    await run.said(/ready/)
    run.child.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ status: 143, stderr: '' })
  })

  test('a program that ignores SIGTERM keeps its port until it ends', async () => {
    const script = `trap '' TERM; echo pid $$ $PORT; while read x; do echo "heard $x"; done; exit 4`
    const run = start(['run', '--', ...sh(script)], options)
    const [, , port] = await run.said(/pid (\d+) (\d+)/)
    run.child.kill('SIGTERM')
    run.child.stdin.write('me\n')
    await run.said(/heard me/)
    expect(await portsOut()).toEqual([Number(port)])
    run.child.stdin.end()
    expect((await run.ended).status).toBe(4)
  })

  test('killed at once, the command leaves nothing running but the program', async () => {
    const run = start(tellSignals, options)
    await run.said(/ready/)
    const children = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'utf8')
    const pids = children.trim().split(' ').map(Number)
    const program = pids.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('tell-signals'),
    ) as number
    run.child.kill('SIGKILL')
    await expect.poll(() => pids.filter(isRunning)).toEqual([program])
    process.kill(program, 'SIGKILL')
  })
})

describe('the whole tree', () => {
  test('ports stay out until a daemon that the program left has ended', async () => {
    const script = `(setsid sh -c 'echo daemon $$; exec sleep 1000' &) ; exit 5`
    const run = start(['run', '--', ...sh(script)], options)
    const [, pid] = await run.said(/daemon (\d+)/)
    onTestFinished(() => {
      if (isRunning(Number(pid))) process.kill(Number(pid), 'SIGKILL')
    })
    await run.complained(new RegExp(`"sh" has ended; .*pid ${pid} \\(sleep\\)`))
    expect(await portsOut()).toHaveLength(1)
    process.kill(Number(pid), 'SIGKILL')
    expect((await run.ended).status).toBe(5)
    expect(await portsOut()).toEqual([])
  })

  test('a signal then reaches what was left', async () => {
    const run = start(['run', '--', ...sh(`(setsid sleep 1000 &); exit 5`)], options)
    await run.complained(/has ended; /)
    run.child.kill('SIGTERM')
    expect((await run.ended).status).toBe(5)
  })

  test('what a program leaves that was told to end is told to end as well, as npm leaves its script', async () => {
    const script = `sleep 1000 & echo up; trap 'exit 3' TERM; wait`
    const run = start(['run', '--', ...sh(script)], options)
    await run.said(/up/)
    run.child.kill('SIGTERM')
    expect((await run.ended).status).toBe(3)
  })

  test('a port on which something else listens at the end is told of', async () => {
    const run = start(['run', '--', ...sh('echo $PORT; read x')], options)
    const [, port] = await run.said(/^(\d+)\n/)
    const server = net.createServer().listen(Number(port))
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    run.child.stdin.end('\n')
    expect(await run.ended).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(
        new RegExp(`something still listens on port ${port}, though all of "sh" that can be found`),
      ),
    })
  })
})

describe('claim', () => {
  test('one at a time; who waits says for whom', async () => {
    const { port } = await ownSlice()
    const first = start(['claim', String(port), '--', ...sh('echo "has $PORT"; read x')], options)
    await first.said(new RegExp(`has ${port}`))
    const second = start(['claim', String(port), '--', 'echo', 'then', '{PORT}'], options)
    await second.complained(
      new RegExp(`waiting: port ${port} has been claimed by pid ${first.pid}`),
    )
    const { stdout } = await portslice(['list'], options)
    expect(stdout).toMatch(
      new RegExp(`^${port} +claimed +portslice claim ${port} -- .*pid ${first.pid}`, 'm'),
    )
    const vain = await portslice(['claim', '--timeout', '0', String(port), 'true'], options)
    expect(vain).toMatchObject({ status: 1, stderr: expect.stringContaining(`pid ${first.pid}`) })
    first.child.stdin.end('\n')
    expect(await second.ended).toMatchObject({ status: 0, stdout: `then ${port}\n` })
  })
})

describe('what it shows', () => {
  test('a claim of a port that marks its slice as held is a claim, and no holder', async () => {
    const { first, last } = await ownSlice()
    const run = start(['claim', String(last), '--', ...sh('echo has it; read x')], options)
    await run.said(/has it/)
    const list = JSON.parse((await portslice(['list', '--json'], options)).stdout)
    expect(list.slices.filter((each: { last: number }) => each.last === last)).toEqual([])
    expect(list.claims).toMatchObject([{ port: last, pid: run.pid }])
    const map = await portslice(['map', '--range', `${first}-${last}`], {
      ...options,
      env: { COLUMNS: '200' },
    })
    expect(map.stdout).toMatch(new RegExp(`${last} claimed by portslice claim .*pid ${run.pid}`))
    const doctor = await portslice(['doctor', '--range', `${first}-${last}`], options)
    expect(doctor).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(new RegExp(`port ${last} is claimed by .*pid ${run.pid}`)),
    })
    run.child.stdin.end('\n')
    await run.ended
  })

  test('list --json keeps to its schema', async () => {
    const run = start(['run', '--name', 'a\u0062c', '--', ...sh('echo $ABC_PORT; read x')], options)
    const [, port] = await run.said(/^(\d+)\n/)
    const { stdout } = await portslice(['list', '--json'], options)
    const document = JSON.parse(stdout)
    expect(Object.keys(document)).toEqual(['version', 'lockDirectory', 'slices', 'claims'])
    expect(document).toMatchObject({ version: 1, lockDirectory })
    const slice = document.slices.find((each: { holder?: unknown }) => each.holder)
    expect(slice).toMatchObject({
      state: 'held',
      holder: { pid: run.pid, runner: 'node', workerId: 1, cwd: process.cwd() },
      ports: [{ port: Number(port), state: 'out', label: 'abc', listening: false }],
    })
    run.child.stdin.end('\n')
    await run.ended
  })

  test('map draws on the width that there is, and as SVG', async () => {
    const { stdout, status } = await portslice(['map'], { ...options, env: { COLUMNS: '60' } })
    expect(status).toBe(0)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(60)
    const cwd = temporaryFolder()
    expect(await portslice(['map', '--svg', 'm.svg'], { ...options, cwd })).toMatchObject({
      status: 0,
      stdout: '',
    })
    expect(readFileSync(path.join(cwd, 'm.svg'), 'utf8')).toMatch(/^<svg [^>]*>[\s\S]*<\/svg>\n$/)
    expect(await portslice(['map', '--svg', 'no/such/m.svg'], { ...options, cwd })).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('cannot be written'),
    })
  })

  test('doctor ends with 1 when the promise cannot be kept, and says what to do', async () => {
    expect(await portslice(['doctor'], options)).toMatchObject({ status: 0, stderr: '' })
    const locks = path.join(temporaryFolder(), 'open')
    mkdirSync(locks)
    execFileSync('chmod', ['777', locks])
    for (const env of [
      { PORTSLICE_LOCK_DIR: locks },
      // Nobody can make anything there, not even root, whom permissions allow all.
      { PORTSLICE_LOCK_DIR: '/proc/portslice/locks' },
      { PORTSLICE_LOCK_DIR: '/proc' },
      { PORTSLICE_RANGE: '5-6' },
      { PORTSLICE_SHARD: '9/3' },
      { PORTSLICE_PORT_WEB: 'x' },
    ]) {
      const { status, stdout } = await portslice(['doctor', '--json'], { ...options, env })
      expect({ status, ok: JSON.parse(stdout).ok }).toEqual({ status: 1, ok: false })
      const problems = JSON.parse(stdout).findings.filter(
        ({ level }: { level: string }) => level === 'problem',
      )
      expect(problems).toHaveLength(1)
      expect(problems[0].message + problems[0].advice).toMatch(/PORTSLICE_/)
    }
  })

  test('clean removes what a killed run left once its quarantine has ended', async () => {
    // Of a checkout of its own: others of this one would soon lease the slice that it leaves.
    const own = { ...options, cwd: temporaryFolder() }
    const run = start(['run', '--', ...sh('echo $PORT; read x')], own)
    await run.said(/^\d+\n/)
    expect((await portslice(['clean'], options)).stdout).toContain('held by a live process')
    run.child.kill('SIGKILL')
    await run.ended
    expect((await portslice(['clean'], options)).stdout).toContain('in quarantine')
    const [journal] = readdirSync(lockDirectory).filter((name) => name.endsWith('.ndjson'))
    utimesSync(path.join(lockDirectory, journal as string), 1, 1)
    expect((await portslice(['clean', '--dry-run'], options)).stdout).toContain('would remove')
    expect(readdirSync(lockDirectory).length).toBeGreaterThan(0)
    expect((await portslice(['clean'], options)).stdout).toContain(
      'Removed what was left of 1 slice',
    )
    expect(readdirSync(lockDirectory)).toEqual([])
  })

  test('a pipe whose reader has seen enough ends it quietly', async () => {
    const { stdout, stderr } = await startFile(
      'sh',
      ['-c', `{ ${P} map --svg -; echo "status $?" >&2; } | head -c 4`],
      options,
    ).ended
    expect({ stdout, stderr }).toEqual({ stdout: '<svg', stderr: 'status 0\n' })
  })
})

describe('mistakes', () => {
  test.each([
    [['lits'], "Did you mean 'list'?"],
    [['run', '--nam', 'x', 'y'], "Did you mean '--name'?"],
    [['run'], 'portslice run -- COMMAND'],
    [['list', '--watch'], 'there is none to draw on'],
    [['--verison'], "Did you mean '--version'?"],
    [['--quite-another'], 'Its options are --help, --version'],
    [['claim', '99999', 'x'], '"99999" is no port'],
    [['claim', '--timeout', 'x', '3000', 'x'], 'The option --timeout is "x"'],
    [['run', '--timeout', '-1', 'x'], 'The option --timeout needs a value'],
    [['run', '--shard', '5/4', 'x'], 'The option --shard is "5/4", which names no shard'],
    [['run', '--range', 'x', 'x'], 'The option --range is "x"'],
    [['run', '--range', '1-2', 'x'], 'Stay between'],
    [['map', '--range', '20010-20020'], 'The option --range is "20010-20020": it holds no whole'],
  ])('%j is answered with what to do, and status 2', async (args, message) => {
    expect(await portslice(args, options)).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
  })

  test('help is there for each, and teaches by example', async () => {
    for (const name of ['run', 'claim', 'list', 'map', 'doctor', 'clean']) {
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

describe('in a terminal', () => {
  const inTerminal = (args: string[], columns = 100) =>
    new InTerminal(process.execPath, [COMMAND, ...args], { ...options, columns })

  test('the program has it, and hears of its new size', async () => {
    const run = inTerminal(tellSignals)
    await run.said(/ready/)
    run.terminal.resize(90, 20)
    await run.said(/got SIGWINCH/)
    run.terminal.kill('SIGTERM')
    expect(await run.ended).toMatchObject({ exitCode: 3 })
    const tty = inTerminal(['run', '--', ...sh('test -t 0 && test -t 1 && test -t 2 && stty size')])
    await tty.said(/30 100/)
    expect(await tty.ended).toMatchObject({ exitCode: 0 })
  })

  test('Ctrl-C and Ctrl-\\ reach the program once', async () => {
    const run = inTerminal(tellSignals)
    await run.said(/ready/)
    run.terminal.write('\u0003')
    await run.said(/got SIGINT/)
    run.terminal.write('\u001c')
    await run.said(/got SIGQUIT/)
    process.kill(run.terminal.pid, 'SIGTERM')
    expect(await run.ended).toMatchObject({ exitCode: 3 })
    expect([count(run.text, 'got SIGINT'), count(run.text, 'got SIGQUIT')]).toEqual([1, 1])
  })

  test('Ctrl-C ends a program that does not listen, with 130', async () => {
    const run = inTerminal(['run', '--', ...sh('echo ready; exec sleep 1000')])
    await run.said(/ready/)
    run.terminal.write('\u0003')
    expect(await run.ended).toMatchObject({ exitCode: 130 })
  })

  test('Ctrl-Z stops it, and fg goes on with it', async () => {
    const shell = new InTerminal('sh', ['-i'], { ...options, env: { PS1: '$ ', ENV: '' } })
    await shell.said(/\$ /)
    shell.terminal.write(`${P} run -- '${process.execPath}' '${TELL_SIGNALS}'\r`)
    await shell.said(/ready on (\d+)/)
    shell.terminal.write('\u001a')
    await shell.said(/Stopped|Suspended/i)
    expect(await portsOut()).toHaveLength(1)
    shell.terminal.write('fg\r')
    await shell.said(/got SIGCONT/)
    shell.terminal.write('\u0003')
    await shell.said(/got SIGINT/)
    // Its job would outlive the shell.
    const pids = readFileSync(
      `/proc/${shell.terminal.pid}/task/${shell.terminal.pid}/children`,
      'utf8',
    )
    const [job] = pids.trim().split(' ').map(Number)
    process.kill(job as number, 'SIGTERM')
    await expect.poll(() => isRunning(job as number)).toBe(false)
    shell.terminal.kill('SIGKILL')
    await shell.ended
  })

  test('list --watch draws in one place until Ctrl-C, and gives the cursor back', async () => {
    const run = start(['run', '--name', 'seen', '--', ...sh('echo ready; read x')], options)
    await run.said(/ready/)
    const list = inTerminal(['list', '--watch'])
    await list.said(/ seen /)
    run.child.stdin.end('\n')
    await run.ended
    await list.said(/No ports are out|PORTS(?![\s\S]* seen )/)
    list.terminal.write('\u0003')
    expect(await list.ended).toMatchObject({ exitCode: 0 })
    expect(list.text).toContain('\u001b[?25l')
    expect(list.text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(
      list.text.lastIndexOf('\u001b[?25l'),
    )
  })

  test('list --watch draws nothing on a terminal that cannot, nor where there is none', async () => {
    const [shell, ...args] = sh(`TERM=dumb exec ${P} list --watch`)
    const dumb = new InTerminal(shell as string, args, options)
    expect(await dumb.ended).toMatchObject({ exitCode: 2 })
    expect(dumb.text).toContain('$TERM is "dumb"')
    expect(dumb.text).not.toContain('\u001b')
    const { status, stdout, stderr } = await portslice(['list', '--watch'], options)
    expect(status).toBe(2)
    expect(stdout + stderr).not.toContain('\u001b')
  })

  test('colours are there, and as wide as the terminal it is; $NO_COLOR is heard', async () => {
    const map = inTerminal(['map'], 50)
    await map.ended
    expect(map.text).toContain('\u001b[')
    const plain = new InTerminal(process.execPath, [COMMAND, 'map'], {
      ...options,
      env: { NO_COLOR: '1' },
      columns: 50,
    })
    await plain.ended
    expect(plain.text).not.toContain('\u001b[')
    for (const line of plain.text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(50)
  })
})

test('installed from its tarball, npx runs it', { timeout: 300_000 }, async () => {
  const folder = temporaryFolder()
  const env = { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: lockDirectory }
  const npm = (args: string[], cwd: string) =>
    execFileSync('npm', args, { cwd, env, stdio: ['ignore', 'pipe', 'ignore'], encoding: 'utf8' })
  const tarballs = ['core', 'cli'].map((name) => {
    const source = fileURLToPath(new URL(`../packages/${name}`, import.meta.url))
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
