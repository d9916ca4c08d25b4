/** `portslice run`: what the program gets, and which ports. */
import { execFileSync } from 'node:child_process'
import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { listSlices } from '@portslice/core'
import { beforeEach, describe, expect, test } from 'vitest'
import { PORTSLICE, portslice, sh, start, useLockDirectory } from '../support/command.ts'
import { portsOut } from '../support/lock-directory.ts'
import { sliceForClaims } from '../support/own-slices.ts'
import type { TestProcess } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('run', () => {
  test('input, output and exit status are those of the program; the port is in $PORT and {PORT}', async () => {
    const run = start(
      ['run', '--', ...sh('read x; echo "$x $PORT {PORT}"; echo err >&2; exit 7')],
      options,
    )
    run.child.stdin?.end('hello\n')
    const { status, stdout, stderr } = await run.ended
    expect(stdout).toMatch(/^hello (\d+) \1\n$/)
    expect({ status, stderr }).toEqual({ status: 7, stderr: 'err\n' })
    expect(await portsOut(options.lockDirectory)).toEqual([])
    expect(readdirSync(options.lockDirectory).filter((name) => name.endsWith('.lock'))).toEqual([])
  })

  test('a port for each name, out while the program runs, and found by namedPort', async () => {
    const core = JSON.stringify(import.meta.resolve('@portslice/core'))
    const code = `import { namedPort } from ${core}; console.log('named ' + (await namedPort('web')))`
    const names = ['--name', 'web', '--name', 'my-api', '--range', '20000-20999', '--shard', '2/2']
    const script = `echo $WEB_PORT $MY_API_PORT {WEB_PORT} $PORTSLICE_RANGE $PORTSLICE_SHARD; '${process.execPath}' --input-type=module -e "$1"; read x`
    const run = start(['run', ...names, '--', ...sh(script), 'sh', code], options)
    const [, web, api] = await run.said(/^(\d+) (\d+) \1 20000-20999 2\/2\nnamed \1\n/)
    expect(await portsOut(options.lockDirectory)).toEqual([Number(web), Number(api)])
    expect(Number(web)).toBeGreaterThanOrEqual(20_496)
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
    expect(await portsOut(options.lockDirectory)).toEqual([])
  })

  test('--prefer gives a port that is free, else another, and says so', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const args = ['run', '--prefer', `${port},${port + 1}`, '--', ...sh('echo $PORT; read x')]
    const runs = []
    for (const expected of [port, port + 1]) {
      const run = start(args, options)
      await run.said(new RegExp(`^${expected}\n`))
      runs.push(run)
    }
    const third = start(args, options)
    const [, other] = await third.complained(/not available now: \$PORT is (\d+)/)
    expect([port, port + 1]).not.toContain(Number(other))
    for (const run of [...runs, third]) run.child.stdin?.end('\n')
    for (const { ended } of runs) expect(await ended).toMatchObject({ status: 0, stderr: '' })
    expect(await third.ended).toMatchObject({ status: 0, stdout: `${other}\n` })
  })

  test('the second --prefer is for the second name', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const names = ['--name', 'web', '--name', 'api']
    const prefer = ['--prefer', `${port}`, '--prefer', `${port + 1}`]
    const program = ['echo', '{WEB_PORT} {API_PORT}']
    expect(await portslice(['run', ...names, ...prefer, '--', ...program], options)).toMatchObject({
      status: 0,
      stdout: `${port} ${port + 1}\n`,
    })
  })

  test('runs within runs have ports of their own', async () => {
    const inner = `${PORTSLICE} run -- sh -c 'echo $PORT; read x'`
    const run = start(['run', '--', ...sh(`echo $PORT; ${inner}`)], options)
    const [, one, other] = await run.said(/^(\d+)\n(\d+)\n/)
    expect(one).not.toBe(other)
    expect(await portsOut(options.lockDirectory)).toEqual(
      [Number(one), Number(other)].sort((a, b) => a - b),
    )
    run.child.stdin?.end('\n')
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
    expect(await portsOut(options.lockDirectory)).toEqual([])
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
      for (const run of runs) run.child.stdin?.end('\n')
      await Promise.all(runs.map(({ ended }) => ended))
      return ports
    }
    const ports = await both()
    expect(ports[0]).not.toBe(ports[1])
    // Another process of this machine may hold the first choice, so any slice counts.
    expect(ports.every((port) => Number(port) > 1023)).toBe(true)
  })
})

describe('run, when all ports are taken', () => {
  let first: TestProcess
  let range: string
  beforeEach(async () => {
    // Below the default range, where nothing that runs beside this leases a slice.
    first = start(['run', '--range', '3072-3999', '--', ...sh('echo $PORT; read x')], options)
    const [, port] = await first.said(/^(\d+)\n/)
    const slice = Number(port) - (Number(port) % 32)
    range = `${slice}-${slice + 31}`
  })

  test('waits its turn, and names the holder', async () => {
    const wait = ['--range', range, '--timeout', '60']
    const second = start(['run', ...wait, '--', ...sh('echo then {PORT}')], options)
    const held = `${range.split('-')[0]} \\(portslice run .*, pid ${first.pid}\\)`
    await second.complained(new RegExp(`waiting: all slices of ${range} are held: ${held}`))
    first.child.stdin?.end('\n')
    expect(await second.ended).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^then \d+\n$/),
    })
  })

  test.each([
    ['a table that does', ['--count', '40']],
    ['names that do', Array.from({ length: 40 }, (_, i) => ['--name', `n${i}`]).flat()],
  ])('%s not fit yet leaves the ports to others', async (_, ports) => {
    const two = `${range.split('-')[0]}-${Number(range.split('-')[1]) + 32}`
    const table = start(['run', '--range', two, ...ports, '--timeout', '60', 'true'], options)
    await table.complained(/waiting: /)
    const small = ['run', '--range', two, '--count', '20', '--timeout', '30', '--']
    const run = await portslice([...small, ...sh('echo $PORTS')], options)
    expect(run).toMatchObject({ status: 0, stdout: expect.stringMatching(/^(\d+,){19}\d+\n$/) })
    first.child.stdin?.end('\n')
    expect(await table.ended).toMatchObject({ status: 0 })
  })

  test('a run that does not get all of its ports leaves none of them in quarantine', async () => {
    const [next, last] = range.split('-').map((port) => Number(port) + 32)
    const names = Array.from({ length: 32 }, (_, i) => ['--name', `n${i}`]).flat()
    const vain = ['run', '--range', `${next}-${last}`, ...names, '--timeout', '0', 'true']
    expect(await portslice(vain, options)).toMatchObject({ status: 1 })
    const slices = await listSlices({ lockDirectory: options.lockDirectory })
    expect(slices.filter((slice) => slice.first === next && slice.ports.length > 0)).toEqual([])
  })

  test('after the timeout it names the holders, and options of the command', async () => {
    const vain = await portslice(['run', '--range', range, '--timeout', '0', 'true'], options)
    expect(vain.status).toBe(1)
    expect(vain.stderr).toMatch(new RegExp(`${range}: pid ${first.pid}, .*, 1 port out\n`))
    expect(vain.stderr).toMatch(/--range FIRST-LAST .* --timeout SECONDS/)
    expect(vain.stderr).not.toMatch(/waitTimeout|`/)
    expect(vain.stderr).not.toContain('waiting')
  })
})
