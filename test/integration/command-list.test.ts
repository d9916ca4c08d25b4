/** `portslice list`, as a table, as JSON and redrawn in a terminal. */
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { COMMAND, PORTSLICE, portslice, sh, start, useLockDirectory } from '../support/command.ts'
import { sliceForClaims } from '../support/own-slices.ts'
import { InTerminal } from '../support/terminal.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('list', () => {
  const inTerminal = (args: string[], columns = 100) =>
    new InTerminal(process.execPath, [COMMAND, ...args], { ...options, columns })

  test('a claim of the last port of a slice is shown as a claim, not as a holder', async () => {
    const { first, last } = await sliceForClaims(options.lockDirectory)
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
    run.child.stdin?.end('\n')
    await run.ended
  })

  test.runIf(process.platform === 'linux')(
    'a slice of another lock directory is named by the process that has its sentinel',
    async () => {
      const run = start(['run', '--', ...sh('echo $PORT; read x')], options)
      const [, port] = await run.said(/^(\d+)\n/)
      const first = Number(port) - (Number(port) % 32)
      const other = { lockDirectory: path.join(temporaryFolder(), 'locks') }
      const { stdout } = await portslice(['list'], other)
      expect(stdout).toMatch(
        new RegExp(
          `^${first}-\\d+ +held +${run.pid} +portslice run -- .* \\(with another lock directory\\)`,
          'm',
        ),
      )
      const { slices } = JSON.parse((await portslice(['list', '--json'], other)).stdout)
      const slice = slices.find((each: { first: number }) => each.first === first)
      expect(slice).toMatchObject({ state: 'held', owner: { pid: run.pid, cwd: process.cwd() } })
      run.child.stdin?.end('\n')
      await run.ended
    },
  )

  test('list --json keeps to its schema', async () => {
    const run = start(['run', '--name', 'a\u0062c', '--', ...sh('echo $ABC_PORT; read x')], options)
    const [, port] = await run.said(/^(\d+)\n/)
    const { stdout } = await portslice(['list', '--json'], options)
    const document = JSON.parse(stdout)
    expect(Object.keys(document)).toEqual(['version', 'lockDirectory', 'slices', 'claims'])
    expect(document).toMatchObject({ version: 1, lockDirectory: options.lockDirectory })
    const slice = document.slices.find((each: { holder?: unknown }) => each.holder)
    expect(slice).toMatchObject({
      state: 'held',
      holder: { pid: run.pid, runner: 'node', workerId: 1, cwd: process.cwd() },
      ports: [{ port: Number(port), state: 'out', label: 'abc', listening: false }],
    })
    run.child.stdin?.end('\n')
    await run.ended
  })

  test('list --watch draws in one place until Ctrl-C, and gives the cursor back', async () => {
    const run = start(['run', '--name', 'seen', '--', ...sh('echo ready; read x')], options)
    await run.said(/ready/)
    const list = inTerminal(['list', '--watch'])
    await list.shows((screen) => / seen /.test(screen))
    run.child.stdin?.end('\n')
    await run.ended
    await list.shows((screen) => !/ seen /.test(screen) && /^No ports are out|^PORTS/m.test(screen))
    list.terminal.write('\u0003')
    expect(await list.ended).toMatchObject({ exitCode: 0 })
    expect(list.text).toContain('\u001b[?25l')
    expect(list.text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(
      list.text.lastIndexOf('\u001b[?25l'),
    )
  })

  test('list --watch draws nothing without a terminal that can move the cursor', async () => {
    const [shell, ...args] = sh(`TERM=dumb exec ${PORTSLICE} list --watch`)
    const dumb = new InTerminal(shell as string, args, options)
    expect(await dumb.ended).toMatchObject({ exitCode: 2 })
    expect(dumb.text).toContain('$TERM is "dumb"')
    expect(dumb.text).not.toContain('\u001b')
    const { status, stdout, stderr } = await portslice(['list', '--watch'], options)
    expect(status).toBe(2)
    expect(stdout + stderr).not.toContain('\u001b')
  })
})
