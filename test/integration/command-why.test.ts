/** `portslice why`: one test for each state of a port. */
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { createAllocator, type PortAllocator, type PortLease } from '@portslice/core'
import { socketsOfPort } from '@portslice/core/internal/inspect'
import { describe, expect, onTestFinished, test } from 'vitest'
import {
  COMMAND,
  portslice,
  sh,
  start,
  startFile,
  startInNamespaces,
  useLockDirectory,
} from '../support/command.ts'
import { whyNoNamespaces } from '../support/namespaces.ts'
import { sliceForClaims } from '../support/own-slices.ts'
import { InTerminal } from '../support/terminal.ts'
import { listenOn, temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

/** A directory in which the packages can be imported. */
const TESTS = fileURLToPath(new URL('..', import.meta.url))

async function why(port: number, ...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await portslice(['why', String(port), ...args], options)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

async function whyJson(port: number, ...args: string[]) {
  return JSON.parse(await why(port, '--json', ...args))
}

interface Held {
  allocator: PortAllocator
  lease: PortLease
  port: number
  last: number
}

/** A port that this process has out. */
async function take(label = 'cart > pays'): Promise<Held> {
  const allocator = await createAllocator({
    lockDirectory: options.lockDirectory,
    workerId: process.pid,
  })
  onTestFinished(() => allocator.close())
  const lease = await allocator.take({ label })
  const last = allocator.slices[0]?.last as number
  return { allocator, lease, port: lease.port, last }
}

/** A free port of a free slice. Another test may have left closed connections (TIME_WAIT) on some. */
async function portWithoutConnections() {
  const { lockDirectory } = options
  const range = [1088, 3071] as const
  await using allocator = await createAllocator({ lockDirectory, range, workerId: process.pid })
  for (const { port } of await allocator.takeMany(20)) {
    if ((await socketsOfPort(port))?.length) continue
    return { ...(allocator.slices[0] as { first: number; last: number }), port }
  }
  throw new Error('All of 20 ports have connections.')
}

const HOLDER = new RegExp(`held by vitest worker \\d+, pid ${process.pid}`)

describe('why', () => {
  test('a free port', async () => {
    const { first, last, port } = await portWithoutConnections()
    const text = await why(port, '--range', `${first}-${last}`)
    expect(text).toMatch(new RegExp(`^Port ${port} is free\\.$`, 'm'))
    expect(text).toContain(`${first}-${last}, free`)
  })

  test('a port that is out, before and after its app listens', async () => {
    const { port, lease } = await take()
    const text = await why(port)
    expect(text).toContain(`Port ${port} is out, and nothing listens on it yet.`)
    expect(text).toMatch(/label +cart > pays/)
    expect(text).toMatch(HOLDER)
    expect(text).toContain(process.cwd())
    await listenOn(port)
    const listening = await why(port)
    expect(listening).toContain('and a process listens on it.')
    if (process.platform === 'linux') {
      expect(listening).toMatch(new RegExp(`listening +.*pid ${process.pid}`))
    }
    expect(lease.port).toBe(port)
  })

  test('who had it before: the run, the label, from when until when', async () => {
    const first = await take('first test')
    const { port } = first
    await first.lease.release()
    await first.allocator.close()
    const range = [port - (port % 32), port - (port % 32) + 31] as const
    const own = { lockDirectory: options.lockDirectory, range }
    await using allocator = await createAllocator(own)
    await allocator.take({ label: 'second test', prefer: port })
    const { uses } = await whyJson(port)
    expect(uses).toMatchObject([
      { label: 'second test', end: 'out', holder: { pid: process.pid } },
      {
        label: 'first test',
        end: 'released',
        since: expect.any(String),
        until: expect.any(String),
      },
    ])
    expect(await why(port)).toMatch(
      /^HANDED OUT +FOR +END +LABEL +HOLDER\n\S+Z +\d+ s +out +second test .*\n\S+Z +\d+ s +released +first test .*\n$/m,
    )
  })

  test('a leaked port: the label that left it, and the process that has it', async () => {
    const { port, lease } = await take()
    await listenOn(port)
    await lease.release()
    const text = await why(port)
    expect(text).toContain(`Port ${port} has leaked`)
    expect(text).toMatch(/label +cart > pays/)
    expect(text).toMatch(/leaked +cart > pays/)
    if (process.platform === 'linux') {
      expect(text).toMatch(new RegExp(`listening +.*pid ${process.pid}`))
    }
  })

  test('a quarantined port: until when, and whose it was', async () => {
    const run = start(['run', '--name', 'web', '--', ...sh('echo $WEB_PORT; read x')], {
      ...options,
      cwd: temporaryFolder(),
    })
    const [, port] = await run.said(/^(\d+)\n/)
    run.child.kill('SIGKILL')
    await run.ended
    const text = await why(Number(port))
    expect(text).toMatch(/is quarantined for \d+ s more: it was out when its holder died/)
    expect(text).toMatch(new RegExp(`left by portslice run .*, pid ${run.pid}, which has ended`))
    expect(text).toMatch(/holder died +web/)
    expect(await whyJson(Number(port))).toMatchObject({
      state: 'quarantined',
      until: expect.any(String),
      uses: [{ label: 'web', end: 'died', holder: { pid: run.pid } }],
    })
  })

  test('a claimed port, and who had claimed it afterwards', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const run = start(['claim', String(port), '--', ...sh('echo has it; read x')], options)
    await run.said(/has it/)
    const text = await why(port)
    expect(text).toContain(`Port ${port} is claimed as a fixed port.`)
    expect(text).toMatch(new RegExp(`by +portslice claim ${port} .*, pid ${run.pid}`))
    run.child.stdin?.end('\n')
    await run.ended
    expect(await whyJson(port)).toMatchObject({
      state: 'free',
      uses: [{ claimer: { pid: run.pid }, end: 'released' }, {}],
    })
  })

  test('a claim whose process was killed', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    const run = start(['claim', String(port), '--', ...sh('echo has it; read x')], options)
    await run.said(/has it/)
    run.child.kill('SIGKILL')
    await run.ended
    expect(await whyJson(port)).toMatchObject({
      state: 'quarantined',
      uses: [{ claimer: { pid: run.pid }, end: 'died' }, {}],
    })
  })

  test('a program that does not use portslice', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    await listenOn(port)
    const text = await why(port)
    expect(text).toContain(`Port ${port} is in use by a program that does not use portslice.`)
    if (process.platform === 'linux') {
      expect(text).toMatch(new RegExp(`listening +.*pid ${process.pid}, in `))
    }
  })

  test.runIf(process.platform === 'linux')(
    'a port of a connection, which then is in TIME_WAIT',
    async () => {
      const { port } = await sliceForClaims(options.lockDirectory)
      const server = await listenOn(0)
      const { port: remote } = server.address() as net.AddressInfo
      const accepted = once(server, 'connection')
      const client = net.connect({ port: remote, host: '127.0.0.1', localPort: port })
      await once(client, 'connect')
      const [connection] = (await accepted) as [net.Socket]
      const text = await why(port)
      expect(text).toContain(`Port ${port} is in use by a connection. Nothing listens on it`)
      expect(text).toMatch(new RegExp(`connection +to 127.0.0.1:${remote}: .*pid ${process.pid}`))
      expect(await whyJson(port)).toMatchObject({
        state: 'foreign',
        listening: false,
        connections: [{ remote: `127.0.0.1:${remote}`, processes: [{ pid: process.pid }] }],
      })
      // The side that closes first stays in TIME_WAIT.
      client.end()
      await once(client.resume(), 'close')
      connection.destroy()
      expect(await why(port)).toMatch(
        /is free\. .*TIME_WAIT, which does not keep a server from binding it\./,
      )
      expect(await whyJson(port)).toMatchObject({ state: 'free', timeWait: true })
      await listenOn(port)
    },
  )

  test('a named port: its name', async () => {
    const script = `
      import { namedPort } from '@portslice/core'
      process.stdin.once('data', () => process.exit())
      console.log(await namedPort('shop-web'))`
    const named = startFile(process.execPath, ['--input-type=module', '-e', script], {
      ...options,
      cwd: TESTS,
    })
    const [, port] = await named.said(/^(\d+)\n/)
    const text = await why(Number(port))
    expect(text).toContain(`Port ${port} is out`)
    expect(text).toMatch(/label +shop-web\n +key +named:PORTSLICE_PORT_SHOP_WEB/)
    expect(text).toMatch(/held by node, pid \d+/)
    expect(await whyJson(Number(port))).toMatchObject({
      state: 'out',
      label: 'shop-web',
      uses: [{ label: 'shop-web', end: 'out' }],
    })
    named.child.stdin?.end('\n')
    await named.ended
  })

  test('a sentinel', async () => {
    const { last } = await take()
    const text = await why(last)
    expect(text).toMatch(new RegExp(`^Port ${last} is the sentinel of the slice`))
    expect(text).toMatch(HOLDER)
    expect(text).not.toMatch(/^ *listening/m)
    expect((await whyJson(last)).notHandedOut).toMatchObject({ reason: 'sentinel' })
  })

  test.each([
    [5432, 'It is the default port of PostgreSQL, so it is never handed out.'],
    [10080, 'It is a port that browsers refuse to open, so it is never handed out.'],
  ])('an avoided port: %i', async (port, reason) => {
    expect(await why(port)).toContain(reason)
    expect((await whyJson(port)).notHandedOut).toEqual({ reason: 'avoided', text: reason })
  })

  test('a port outside the range', async () => {
    const { port } = await sliceForClaims(options.lockDirectory)
    expect(await why(port, '--range', '20000-20063')).toContain(
      'It is outside of the range 20000-20063, so only claims and `prefer` give it out.',
    )
    expect(await whyJson(port, '--range', '20000-20063')).toMatchObject({
      notHandedOut: { reason: 'range' },
    })
  })

  test('a port that is out in another network namespace', async (context) => {
    const missing = whyNoNamespaces('--net')
    if (missing !== undefined) context.skip(`No network namespace can be made: ${missing}`)
    const command = [process.execPath, COMMAND, 'run', '--name', 'far', '--']
    const run = startInNamespaces(
      ['--net'],
      'ip link set lo up',
      [...command, ...sh('echo $FAR_PORT; read x')],
      options,
    )
    const [, port] = await run.said(/^(\d+)\n/)
    const text = await why(Number(port))
    expect(text).toContain(
      `Port ${port} is out in another network namespace, where the same number is another port.`,
    )
    expect(text).toMatch(/label +far/)
    expect(await whyJson(Number(port))).toMatchObject({ state: 'out', elsewhere: true })
    run.child.stdin?.end('\n')
    await run.ended
  })

  test('a slice whose journal is in another lock directory', async () => {
    const { port } = await take()
    const other = { lockDirectory: path.join(temporaryFolder(), 'locks') }
    const { stdout } = await portslice(['why', String(port)], other)
    expect(stdout).toContain('whether it is out is unknown.')
    if (process.platform === 'linux') {
      expect(stdout).toMatch(new RegExp(`holder +.*pid ${process.pid}`))
    }
  })

  test('torn and foreign lines are skipped, and hostile text is escaped', async () => {
    const { port, lease } = await take('\u001b[2J\u202egood')
    await lease.release()
    const journal = path.join(options.lockDirectory, `slice-${port - (port % 32)}.ndjson`)
    const hostile = {
      event: 'take',
      port,
      label: '\u001b]0;owned\u0007\nport 1 is free',
      at: '2026 (\u001b[31m)',
    }
    appendFileSync(journal, `{"event":"take","po\nnot JSON\n[1]\n${JSON.stringify(hostile)}\n{"ev`)
    const text = await why(port)
    expect(text).toContain('\\u001b[2J\\u202egood')
    expect(text).toContain('\\u001b]0;owned\\u0007\\u000aport 1 is free')
    for (const output of [text, await why(port, '--json')]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      expect(output).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    }
  })

  test('fits a narrow terminal', async () => {
    const { port } = await take('a label that is longer than the terminal is wide '.repeat(3))
    const args = [COMMAND, 'why', String(port)]
    const narrow = new InTerminal(process.execPath, args, { ...options, columns: 60 })
    expect(await narrow.ended).toMatchObject({ exitCode: 0 })
    // Long lines of the table are cut.
    expect(narrow.text).toMatch(/^.*out .*…/m)
  })

  test('keeps to its schema', async () => {
    const { port } = await take()
    expect(Object.keys(await whyJson(port))).toEqual([
      ...['version', 'lockDirectory', 'port', 'slice', 'state', 'label', 'since', 'listening'],
      ...['processes', 'uses'],
    ])
  })

  test.each([
    [[], "'portslice why' needs a PORT.", 'Write: portslice why 20003'],
    [['web'], '"web" is not a port.', 'Give a port from 1 to 65535: portslice why 20003'],
    [['0'], '"0" is not a port.', 'Give a port from 1 to 65535: portslice why 20003'],
    [
      ['1', '2'],
      '\'portslice why\' takes one PORT, but got "2" as well.',
      'Write: portslice why 20003',
    ],
  ])('refuses %j', async (args, problem, advice) => {
    const { status, stderr } = await portslice(['why', ...args], options)
    expect(status).toBe(2)
    expect(stderr).toContain(problem)
    expect(stderr).toContain(advice)
  })
})
