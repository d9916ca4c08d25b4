/** Signals and the terminal: the program gets them as if it ran without portslice. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { COMMAND, PORTSLICE, sh, start, useLockDirectory } from '../support/command.ts'
import { portsOut } from '../support/lock-directory.ts'
import { isRunning } from '../support/process.ts'
import { InTerminal } from '../support/terminal.ts'

const PRINT_SIGNALS = fileURLToPath(new URL('processes/print-signals.ts', import.meta.url))
const RUN_PRINT_SIGNALS = ['run', '--', process.execPath, PRINT_SIGNALS]

const options = useLockDirectory()

const count = (text: string, part: string) => text.split(part).length - 1

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
    const program = [...(inOwnGroup ? ['setsid'] : []), process.execPath, PRINT_SIGNALS]
    const run = start(['run', '--', ...program], { ...options, detached: true })
    await run.said(/ready/)
    process.kill(toGroup ? -run.pid : run.pid, signal)
    await run.said(new RegExp(`got ${signal}`))
    // This signal is passed on after everything that the first one causes.
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
    run.child.stdin?.write('me\n')
    await run.said(/heard me/)
    expect(await portsOut(options.lockDirectory)).toEqual([Number(port)])
    run.child.stdin?.end()
    expect((await run.ended).status).toBe(4)
  })

  test('after SIGKILL of the command, only the program still runs', async () => {
    const run = start(RUN_PRINT_SIGNALS, options)
    await run.said(/ready/)
    const children = readFileSync(`/proc/${run.pid}/task/${run.pid}/children`, 'utf8')
    const pids = children.trim().split(' ').map(Number)
    const program = pids.find((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('print-signals'),
    ) as number
    run.child.kill('SIGKILL')
    await expect.poll(() => pids.filter(isRunning)).toEqual([program])
    process.kill(program, 'SIGKILL')
  })
})

describe('in a terminal', () => {
  const inTerminal = (args: string[], columns = 100) =>
    new InTerminal(process.execPath, [COMMAND, ...args], { ...options, columns })

  test('the program has the terminal, and gets its new size', async () => {
    const run = inTerminal(RUN_PRINT_SIGNALS)
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
    const run = inTerminal(RUN_PRINT_SIGNALS)
    await run.said(/ready/)
    run.terminal.write('\u0003')
    await run.said(/got SIGINT/)
    run.terminal.write('\u001c')
    await run.said(/got SIGQUIT/)
    process.kill(run.terminal.pid, 'SIGTERM')
    expect(await run.ended).toMatchObject({ exitCode: 3 })
    expect([count(run.text, 'got SIGINT'), count(run.text, 'got SIGQUIT')]).toEqual([1, 1])
  })

  test('Ctrl-C ends a program that has no SIGINT handler, with 130', async () => {
    const run = inTerminal(['run', '--', ...sh('echo ready; exec sleep 1000')])
    await run.said(/ready/)
    run.terminal.write('\u0003')
    expect(await run.ended).toMatchObject({ exitCode: 130 })
  })

  test('Ctrl-Z stops it, and fg continues it', async () => {
    const shell = new InTerminal('sh', ['-i'], { ...options, env: { PS1: '$ ', ENV: '' } })
    await shell.said(/\$ /)
    shell.terminal.write(`${PORTSLICE} run -- '${process.execPath}' '${PRINT_SIGNALS}'\r`)
    await shell.said(/ready on (\d+)/)
    shell.terminal.write('\u001a')
    await shell.said(/Stopped|Suspended/i)
    expect(await portsOut(options.lockDirectory)).toHaveLength(1)
    shell.terminal.write('fg\r')
    await shell.said(/got SIGCONT/)
    shell.terminal.write('\u0003')
    await shell.said(/got SIGINT/)
    // Killing the shell would not end its job.
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
})
