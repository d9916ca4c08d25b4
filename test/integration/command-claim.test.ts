/** `portslice claim`: fixed ports, for one run at a time. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { portslice, sh, start, useLockDirectory } from '../support/command.ts'
import { sliceForClaims } from '../support/own-slices.ts'
import { listenOn, temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('claim', () => {
  test('one at a time; a command that waits names the holder', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const first = start(['claim', String(port), '--', ...sh('echo "has $PORT"; read x')], options)
    await first.said(new RegExp(`has ${port}`))
    const second = start(['claim', String(port), '--', 'echo', 'then', '{PORT}'], options)
    await second.complained(
      new RegExp(`waiting: port ${port} has been claimed by pid ${first.pid}`),
    )
    const { stdout } = await portslice(['list'], options)
    expect(stdout).toMatch(
      new RegExp(`^${port} +claimed +${first.pid} +portslice claim ${port} -- `, 'm'),
    )
    const vain = await portslice(['claim', '--timeout', '0', String(port), 'true'], options)
    expect(vain).toMatchObject({ status: 1, stderr: expect.stringContaining(`pid ${first.pid}`) })
    first.child.stdin?.end('\n')
    expect(await second.ended).toMatchObject({ status: 0, stdout: `then ${port}\n` })
  })

  test('all of several arguments, and one of a list; the first is in $PORT', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    await listenOn(port + 1)
    const args = ['claim', `${port}`, `${port + 1},${port + 2}`]
    const run = start([...args, '--', ...sh('echo "$PORT {PORT}"; read x')], options)
    await run.said(new RegExp(`^${port} ${port}\n`))
    const { claims } = JSON.parse((await portslice(['list', '--json'], options)).stdout)
    expect(claims).toMatchObject([
      { port, pid: run.pid },
      { port: port + 2, pid: run.pid },
    ])
    run.child.stdin?.end('\n')
    expect((await run.ended).status).toBe(0)
  })

  test('names for each of them, and a file', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const names = ['--name', 'web', '--name', 'api', '--write-env', 'ports']
    const program = sh('echo "$WEB_PORT {API_PORT} $PORTSLICE_PORT_API $PORT"; cat ports')
    const { status, stdout } = await portslice(
      ['claim', ...names, `${port},${port + 1}`, `${port + 2}`, '--', ...program],
      { ...options, cwd: temporaryFolder(), env: { PORT: 'own' } },
    )
    expect({ status, stdout }).toEqual({
      status: 0,
      stdout: expect.stringMatching(
        new RegExp(`^${port} ${port + 2} ${port + 2} own\n#[\\s\\S]*\nAPI_PORT=${port + 2}\n`),
      ),
    })
  })

  test('all or none: a command that waits for one port does not keep another', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const server = await listenOn(port + 1)
    const both = start(['claim', `${port}`, `${port + 1}`, '--', ...sh('echo $PORT')], options)
    await both.complained(new RegExp(`waiting: port ${port + 1} is in use by pid ${process.pid}`))
    expect(await portslice(['claim', `${port}`, 'true'], options)).toMatchObject({ status: 0 })
    server.close()
    expect(await both.ended).toMatchObject({ status: 0, stdout: `${port}\n` })
    const again = await listenOn(port + 1)
    const vain = ['claim', '--timeout', '0', `${port}`, `${port + 1}`, 'true']
    expect(await portslice(vain, options)).toMatchObject({
      status: 1,
      stderr: expect.stringContaining(
        `The ports ${port} ${port + 1} could not all be claimed within 0 s: port ${port + 1} is in use by`,
      ),
    })
    again.close()
  })

  test('commands that name the same ports in different orders take turns', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const orders = [
      [port, port + 1, port + 2],
      [port + 2, port + 1, port],
      [port + 1, port + 2, port],
    ]
    const file = path.join(temporaryFolder(), 'turns')
    const turn = sh(`echo begin >>'${file}'; sleep 0.05; echo end >>'${file}'`)
    const runs = [...orders, ...orders].map((order) =>
      portslice(['claim', ...order.map(String), '--', ...turn], options),
    )
    for (const { status } of await Promise.all(runs)) expect(status).toBe(0)
    expect(readFileSync(file, 'utf8')).toBe('begin\nend\n'.repeat(6))
  })
})
