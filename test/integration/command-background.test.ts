/** `portslice run`, if the program ends but leaves other processes running. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { canConnect } from '../support/can-connect.ts'
import { COMMAND, sh, start, useLockDirectory } from '../support/command.ts'
import { portsOut } from '../support/lock-directory.ts'
import { isRunning } from '../support/process.ts'
import { InTerminal } from '../support/terminal.ts'
import { TEST_ALL } from '../support/test-all.ts'
import { listenOn, temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

/** A server on $PORT that ignores the named signals. */
const serve = (...deafTo: string[]) =>
  `'${process.execPath}' -e '${deafTo.map((signal) => `process.on("${signal}", () => {});`).join('')}
    require("net").createServer().listen(process.env.PORT, () => console.log("serving " + process.pid))'`

function killAtEnd(pid: number): void {
  onTestFinished(() => {
    if (isRunning(pid)) process.kill(pid, 'SIGKILL')
  })
}

describe('a process that uses a leased port', () => {
  test('is waited for, and its port stays out until it has ended', async () => {
    const script = `echo "port $PORT"; ${serve()} & read x; exit 5`
    const run = start(['run', '--linger', '0', '--', ...sh(script)], options)
    const [, port] = await run.said(/port (\d+)/)
    const [, pid] = await run.said(/serving (\d+)/)
    killAtEnd(Number(pid))
    run.child.stdin?.end('\n')
    await run.complained(
      new RegExp(
        `"sh" has ended, but port ${port} is still in use. Waiting for pid ${pid} \\(.*-e`,
      ),
    )
    expect(await portsOut(options.lockDirectory)).toEqual([Number(port)])
    process.kill(Number(pid), 'SIGKILL')
    expect((await run.ended).status).toBe(5)
    expect(await portsOut(options.lockDirectory)).toEqual([])
  })

  test('is waited for even if it starts to listen after the program has ended', async () => {
    const fifo = path.join(temporaryFolder(), 'fifo')
    execFileSync('mkfifo', [fifo])
    const run = start(
      ['run', '--linger', '600', '--', ...sh(`(read x <'${fifo}'; exec ${serve()}) & exit 5`)],
      options,
    )
    await run.complained(/has ended, but left processes that do not use its ports: pid \d+ \(sh /)
    writeFileSync(fifo, 'go\n')
    const [, pid] = await run.said(/serving (\d+)/)
    killAtEnd(Number(pid))
    await run.complained(/is still in use/)
    process.kill(Number(pid), 'SIGKILL')
    expect((await run.ended).status).toBe(5)
  })

  test('is waited for; other processes are left running', async () => {
    const script = `setsid sleep 1000 & echo "other $!"; ${serve()} & read x; exit 5`
    const run = start(['run', '--linger', '0', '--', ...sh(script)], options)
    const [, other] = await run.said(/other (\d+)/)
    killAtEnd(Number(other))
    const [, pid] = await run.said(/serving (\d+)/)
    killAtEnd(Number(pid))
    run.child.stdin?.end('\n')
    await run.complained(/is still in use/)
    process.kill(Number(pid), 'SIGTERM')
    await run.complained(new RegExp(`left processes .*: pid ${other} \\(sleep 1000\\)`))
    expect(await run.exited).toBe(5)
    expect(isRunning(Number(other))).toBe(true)
  })
})

describe('a process that uses none of the ports', () => {
  test('does not hold the run, is named by its command line, and is left running', async () => {
    const run = start(
      ['run', '--linger', '0.5', '--', ...sh('setsid sleep 1000 & echo $!; exit 5')],
      options,
    )
    const [, pid] = await run.said(/(\d+)/)
    killAtEnd(Number(pid))
    await run.complained(
      new RegExp(
        `"sh" has ended, but left processes that do not use its ports: pid ${pid} \\(sleep 1000\\)`,
      ),
    )
    expect(await run.exited).toBe(5)
    expect(isRunning(Number(pid))).toBe(true)
    expect(await portsOut(options.lockDirectory)).toEqual([])
  })

  test('holds it with --wait-all', async () => {
    const run = start(
      ['run', '--wait-all', '--', ...sh(`(setsid sh -c 'echo $$; exec sleep 1000' &) ; exit 5`)],
      options,
    )
    const [, pid] = await run.said(/(\d+)/)
    killAtEnd(Number(pid))
    await run.complained(
      new RegExp(`Waiting for the processes it left.*pid ${pid} \\(sleep 1000\\)`),
    )
    expect(await portsOut(options.lockDirectory)).toHaveLength(1)
    process.kill(Number(pid), 'SIGKILL')
    expect((await run.ended).status).toBe(5)
    expect(await portsOut(options.lockDirectory)).toEqual([])
  })

  test.runIf(TEST_ALL)('may be the daemon of nx', { timeout: 120_000 }, async () => {
    const cwd = temporaryFolder()
    const nx = path.dirname(fileURLToPath(import.meta.resolve('nx/package.json')))
    mkdirSync(path.join(cwd, 'node_modules'))
    symlinkSync(nx, path.join(cwd, 'node_modules', 'nx'))
    const once = { command: 'echo once on $PORT' }
    const files = {
      'package.json': { name: 'workspace', private: true },
      'nx.json': { analytics: false },
      'app/project.json': { name: 'app', targets: { once } },
    }
    mkdirSync(path.join(cwd, 'app'))
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(path.join(cwd, name), JSON.stringify(content))
    }
    const { bin } = JSON.parse(readFileSync(path.join(nx, 'package.json'), 'utf8'))
    const program = [process.execPath, path.join(nx, bin.nx), 'run', 'app:once']
    const env = { NX_DAEMON: 'true', NX_NO_CLOUD: 'true' }
    const run = start(['run', '--linger', '1', '--', ...program], { ...options, cwd, env })
    const [notice, pid] = await run.complained(
      /left processes that .*?pid (\d+) \([^)]*daemon\/server\/start.*/,
    )
    killAtEnd(Number(pid))
    expect(await run.exited).toBe(0)
    await run.said(/once on \d+/)
    expect(notice).not.toContain('MainThread')
    expect(isRunning(Number(pid))).toBe(true)
  })
})

describe('signals, after the program has ended', () => {
  test('reach the processes that it left', async () => {
    const run = start(['run', '--wait-all', '--', ...sh(`(setsid sleep 1000 &); exit 5`)], options)
    await run.complained(/has ended/)
    run.child.kill('SIGTERM')
    expect((await run.ended).status).toBe(5)
  })

  test('are passed on to processes that a program leaves behind, as npm leaves its script', async () => {
    const script = `sleep 1000 & echo up; trap 'exit 3' TERM; wait`
    const run = start(['run', '--wait-all', '--', ...sh(script)], options)
    await run.said(/up/)
    run.child.kill('SIGTERM')
    expect((await run.ended).status).toBe(3)
  })

  test('the second Ctrl-C ends the run and a server that ignores it, as the message says', async () => {
    const program = [
      'run',
      '--linger',
      '600',
      '--',
      ...sh(`echo "port $PORT"; ${serve('SIGINT')} &`),
    ]
    const run = new InTerminal(process.execPath, [COMMAND, ...program], options)
    const [, port] = await run.said(/port (\d+)/)
    const [, pid] = await run.said(/serving (\d+)/)
    killAtEnd(Number(pid))
    await run.said(/is still in use/)
    run.terminal.write('\u0003')
    await run.said(/still running after SIGINT: pid \d+[\s\S]*Press Ctrl-C again/)
    expect(isRunning(Number(pid))).toBe(true)
    run.terminal.write('\u0003')
    expect(await run.ended).toMatchObject({ exitCode: 0 })
    expect(await canConnect(Number(port))).toBe(false)
  })

  test('the second one ends the run also if a process ignores SIGTERM', async () => {
    const run = start(
      ['run', '--linger', '600', '--', ...sh(`${serve('SIGINT', 'SIGTERM')} & exit 5`)],
      options,
    )
    const [, pid] = await run.said(/serving (\d+)/)
    killAtEnd(Number(pid))
    await run.complained(/is still in use/)
    run.child.kill('SIGINT')
    await run.complained(/Press Ctrl-C again/)
    run.child.kill('SIGINT')
    await run.complained(new RegExp(`these processes ignore SIGTERM: pid ${pid}`))
    await run.complained(new RegExp(`a process still listens on port \\d+: pid ${pid}`))
    expect(await run.exited).toBe(5)
    expect(isRunning(Number(pid))).toBe(true)
  })
})

test('reports a port on which something else listens at the end', async () => {
  const run = start(['run', '--', ...sh('echo $PORT; read x')], options)
  const [, port] = await run.said(/^(\d+)\n/)
  await listenOn(Number(port))
  run.child.stdin?.end('\n')
  expect(await run.ended).toMatchObject({
    status: 0,
    stderr: expect.stringContaining(`a process still listens on port ${port}: pid ${process.pid}`),
  })
})
