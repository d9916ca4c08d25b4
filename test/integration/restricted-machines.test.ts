/** Ports, messages and signals in namespaces and sandboxes that restrict a process. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { canConnect } from '../support/can-connect.ts'
import { COMMAND } from '../support/command.ts'
import { ownSlices } from '../support/own-slices.ts'
import { startNode } from '../support/process.ts'
import {
  emptyProc,
  foreignProc,
  isUsable,
  ownNetwork,
  permissionFlags,
  type Restricted,
  Restrictions,
  readOnly,
  unprivileged,
} from '../support/restricted-machines.ts'
import { firstOf } from '../support/test-all.ts'

const STOP_APP = fileURLToPath(new URL('processes/stop-app.ts', import.meta.url))
const { EPERM, EACCES } = os.constants.errno

const restrictions = new Restrictions()
afterAll(() => restrictions[Symbol.dispose]())

/** Starts Node in the sandbox, with a new lock directory. */
function start({ skip }: TestContext, by: Restricted, args: readonly string[]) {
  if (!isUsable(by)) skip(by.missing)
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-restricted-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  const child = startNode(args, {
    by: by as readonly string[],
    cwd: import.meta.dirname,
    lockDirectory: path.join(folder, 'locks'),
    env: { NODE_NO_WARNINGS: '1' },
    timeout: 60_000,
  })
  onTestFinished(() => void child.signal('SIGKILL'))
  return child
}

function inside(outer: Restricted, inner: Restricted): Restricted {
  if (!isUsable(outer)) return outer
  return isUsable(inner) ? [...outer, ...inner] : inner
}

/** Runs a script in the sandbox, and returns its output. */
async function run(context: TestContext, by: Restricted, args: readonly string[]) {
  const { stdout, stderr, status } = await start(context, by, args).ended
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 })
  return stdout.trim()
}

/** Evaluates an expression in the sandbox. `core` and `inspect` are imported. */
async function evaluate(
  context: TestContext,
  by: Restricted,
  code: string,
  flags: readonly string[] = [],
) {
  const script = `const core = await import('@portslice/core')
    const inspect = await import('@portslice/core/internal/inspect')
    console.log(JSON.stringify(await (async () => { ${code} })()))
    process.exit()`
  return JSON.parse(await run(context, by, [...flags, '--input-type=module', '-e', script]))
}

const PROCS: [string, () => Restricted][] = [
  ['the /proc of the PID namespace around it (unshare)', () => foreignProc('unshare')],
  ['an empty /proc', emptyProc],
  ['the /proc of the PID namespace around it (bwrap)', () => foreignProc('bwrap')],
]

describe.skipIf(process.platform !== 'linux').each(firstOf(PROCS, 2))('with %s', (_, by) => {
  test('stop() ends the app, and signals no other process', async (context) => {
    const told = JSON.parse(await run(context, by(), [STOP_APP]))
    expect(told).toEqual({ said: 'stopped', isServing: false, foreign: [] })
  })

  test('an app ends after its worker was killed', async (context) => {
    const where = by()
    if (!isUsable(where)) return context.skip(where.missing)
    // The shell keeps the namespace when the worker dies.
    const shell = [...where, 'sh', '-c', '"$@"; read -r end', 'sh']
    const child = start(context, shell, [STOP_APP, 'die'])
    const { port } = await child.hear<{ port: number }>()
    await expect.poll(() => canConnect(port), { timeout: 30_000 }).toBe(false)
    expect(child.child.exitCode).toBeNull()
  })

  test('`portslice run` ends with its program', async (context) => {
    const said = await run(context, by(), [COMMAND, 'run', '--', 'sh', '-c', 'echo $PORT'])
    expect(said).toMatch(/^\d+$/)
  })

  test('no process is named as the owner of a port', async (context) => {
    const code = `const { port } = await (await core.createAllocator()).take()
      require('net').createServer().listen(port)
      return { owners: await inspect.ownersOf(port), probe: await inspect.probePort(port) }`
    const told = await evaluate(context, by(), code.replace('require', 'process.getBuiltinModule'))
    expect(told).toEqual({ owners: [], probe: { state: 'in-use' } })
  })
})

test.skipIf(process.platform !== 'linux')(
  "with a foreign /proc, stop() fails while a process that left the app's group runs",
  async (context) => {
    const told = JSON.parse(await run(context, foreignProc('unshare'), [STOP_APP, 'leave']))
    expect(told).toEqual({
      said: expect.stringContaining('could not be ended'),
      isServing: true,
      foreign: [],
    })
  },
)

const FACTS = `return {
  table: inspect.processTable(),
  ephemeral: inspect.ephemeralRange(),
  ranges: inspect.resolveOptions().ranges,
  host: inspect.hostIdentity(),
  isListening: await inspect.isListening(9),
  uses: await inspect.socketsOfPort(9) ?? 'unknown',
  port: await core.takePort(),
}`

const UNREADABLE = {
  table: 'unreadable',
  ephemeral: { first: 32_768, last: 60_999, isAssumed: true },
  ranges: [{ first: 10_000, last: 32_767 }],
  isListening: false,
  uses: 'unknown',
  port: expect.any(Number),
}

describe.skipIf(process.platform !== 'linux')('a /proc that cannot be read', () => {
  test.for<[string, () => Restricted, () => string[]]>([
    ['is empty', emptyProc, () => []],
    ['is not allowed by the permission model', () => [], permissionFlags],
  ])('%s: the usual range, and namespaces that do not look alike', async (each, context) => {
    const [, by, flags] = each
    const { host: one, ...facts } = await evaluate(context, by(), FACTS, flags())
    const { host: other } = await evaluate(context, by(), FACTS, flags())
    expect(facts).toEqual(UNREADABLE)
    expect(one).not.toBe(other)
    // The machine is the same.
    expect(one.split('/')[0]).toBe(other.split('/')[0])
  })

  test('is not allowed by the permission model: stop() ends the app', async (context) => {
    const flags = [...permissionFlags(), '--allow-child-process']
    const told = JSON.parse(await run(context, [], [...flags, STOP_APP]))
    expect(told).toEqual({ said: 'stopped', isServing: false, foreign: [] })
  })
})

const holdAndProbe = (first: number) => `
  const { state, error } = await inspect.tryToHoldUdpPort(${first + 31})
  return { probe: await inspect.probePort(${first}), hold: { state, error } }`
const denied = (code: string, syscall: string) => ({
  state: 'not-permitted',
  error: expect.objectContaining({ code, syscall }),
})
const [free, inUse, held] = [{ state: 'free' }, { state: 'in-use' }, { state: 'held' }]

describe.skipIf(process.platform !== 'linux')('a port that may not be bound', () => {
  test.for<[string, () => Restricted, unknown, unknown]>([
    ['TCP, EPERM', () => restrictions.deny('listen', EPERM), denied('EPERM', 'listen'), held],
    ['TCP, EACCES', () => restrictions.deny('listen', EACCES), denied('EACCES', 'listen'), held],
    ['TCP sockets', () => restrictions.deny('tcp', EPERM), denied('EPERM', 'listen'), held],
    ['TCP, by Landlock', () => restrictions.deny('landlock', 0), denied('EACCES', 'listen'), held],
    [
      'UDP sockets',
      () => restrictions.deny('udp', EPERM),
      denied('EPERM', 'bind'),
      denied('EPERM', 'bind'),
    ],
  ])('is distinguished from one in use: %s', async ([, by, probe, hold], context) => {
    await using own = await ownSlices(1)
    const code = holdAndProbe(own.range[0])
    const { probe: isProbed, hold: isHeld } = await evaluate(context, by(), code)
    expect(isProbed).toEqual(probe)
    expect(isHeld).toEqual(hold)
  })

  test.for([
    ['TCP', 'EACCES', () => restrictions.deny('listen', EACCES)],
    ['UDP', 'EPERM', () => restrictions.deny('udp', EPERM)],
  ] as const)('of %s: a take fails at once, and names %s', async ([, code, by], context) => {
    // Without other holders of slices, whose ports it might be permitted to bind.
    const told = await evaluate(
      context,
      inside(ownNetwork(), by()),
      // Longer than the process may run, so that waiting fails the test.
      `const error = await core.createAllocator({ waitTimeout: 600_000 })
         .then((allocator) => allocator.take())
         .catch((error) => error)
       return { code: error.code, message: error.message }`,
    )
    expect(told.code).toBe('ERR_PORTSLICE_NO_SOCKET')
    expect(told.message).toContain(code)
    expect(told.message).toContain('may not bind')
  })

  test('of some slices: they are skipped; a claim names the refusal', async (context) => {
    const setUp = 'echo 20040 > /proc/sys/net/ipv4/ip_unprivileged_port_start'
    const told = await evaluate(
      context,
      unprivileged(ownNetwork(setUp)),
      `process.env.PORTSLICE_LOCK_DIR = 'none'
       const allocator = await core.createAllocator({ range: [20000, 20095], waitTimeout: 1000 })
       const leases = await allocator.takeMany(40)
       const lowest = Math.min(...leases.map(({ port }) => port))
       const all = await core.createAllocator({ range: [20000, 20031] }).catch((error) => error)
       const claim = await core.claimPort(20001, { timeout: 0 }).catch((error) => error)
       const one = await core.claimPort([20001, 25000], { timeout: 0 })
       return { lowest, all: all.code, claim: claim.message, one: one.port }`,
    )
    expect(told).toMatchObject({ all: 'ERR_PORTSLICE_NO_SOCKET', one: 25_000 })
    expect(told.lowest).toBeGreaterThanOrEqual(20_040)
    expect(told.claim).toContain('this user may not bind it')
    expect(told.claim).toContain('EACCES')
  })

  test('is distinguished from one in use: below ip_unprivileged_port_start', async (context) => {
    const setUp = 'echo 25000 > /proc/sys/net/ipv4/ip_unprivileged_port_start'
    const code = 'return [await inspect.probePort(24992), await inspect.probePort(25024)]'
    const by = unprivileged(ownNetwork(setUp))
    expect(await evaluate(context, by, code)).toEqual([denied('EACCES', 'bind'), free])
  })
})

const SERVE = `const serve = (port, host) => new Promise((resolve) => {
    process.getBuiltinModule('node:net').createServer().listen({ port, host }, resolve)
  })`

describe.skipIf(process.platform !== 'linux')('in a network namespace', () => {
  test.for([
    ['IPv4', 'ip', '127.0.0.1'],
    ['IPv6', 'ip6', '::1'],
  ])('a redirected port of %s is in use, though no socket has it', async (each, context) => {
    const [, family, address] = each
    const setUp = [
      `nft add table ${family} t`,
      `nft "add chain ${family} t c { type nat hook output priority -100; }"`,
      `nft add rule ${family} t c tcp dport 30080 redirect to :9999`,
    ].join(' && ')
    const code = `${SERVE}
      await serve(9999, '${address}')
      const ports = [30080, 30081]
      return { probes: await Promise.all(ports.map(inspect.probePort)), uses: await inspect.socketsOfPort(30080) }`
    const told = await evaluate(context, ownNetwork(setUp), code)
    expect(told.probes).toEqual([inUse, free])
    expect(told.uses).toEqual([])
  })

  test.for([
    ['takes', ':', 'guarded'],
    ['has no effect', 'echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets', 'no-effect'],
  ])('the TIME_WAIT guard reports that it %s, also for a claimed port', async (each, context) => {
    const [, setUp = '', expected] = each
    const code = `${SERVE}
      await inspect.holdUdpPort(40000)
      await serve(40002, '127.0.0.1')
      return Promise.all([40000, 40001, 40002].map(inspect.guardWithTimeWait))`
    const told = await evaluate(context, ownNetwork(setUp), code)
    expect(told).toEqual([expected, expected, 'taken'])
  })

  test('a claimed port of the ephemeral range is not given to connections', async (context) => {
    const setUp = 'echo 40000 40009 > /proc/sys/net/ipv4/ip_local_port_range'
    const code = `const net = process.getBuiltinModule('node:net')
      const connect = () => new Promise((resolve) => {
        const socket = net.connect({ port: 9999, host: '127.0.0.1' })
        socket.once('connect', () => resolve(socket.localPort)).once('error', () => resolve(0))
      })
      ${SERVE}
      await serve(9999, '127.0.0.1')
      const claim = await core.claimPort(40004, { timeout: 0 })
      const ports = []
      for (let i = 0; i < 12; i++) ports.push(await connect())
      await serve(claim.port, '127.0.0.1')
      const busy = ports.find((port) => port > 0)
      const error = await core.claimPort(busy, { timeout: 0 }).catch((error) => error)
      return { ports, busy, message: error.message, pid: process.pid }`
    const { ports, message, busy, pid } = await evaluate(context, ownNetwork(setUp), code)
    expect(ports.length).toBe(12)
    expect(ports.filter((port: number) => port > 0).length).toBeGreaterThan(5)
    expect(ports).not.toContain(40_004)
    expect(message).toContain(`port ${busy} is the local port of a connection to 127.0.0.1:9999`)
    expect(message).toContain(`pid ${pid}`)
  })

  test('a redirected port is not handed out', async (context) => {
    const setUp = [
      'nft add table ip t',
      'nft "add chain ip t c { type nat hook output priority -100; }"',
      'nft add rule ip t c tcp dport 30016-30020 redirect to :9999',
    ].join(' && ')
    const code = `${SERVE}
      await serve(9999, '127.0.0.1')
      const allocator = await core.createAllocator({ range: [30016, 30047] })
      return (await allocator.takeMany(20)).map(({ port }) => port)`
    const ports: number[] = await evaluate(context, ownNetwork(setUp), code)
    expect(ports.filter((port) => port <= 30_020)).toEqual([])
  })

  test('a port that TIME_WAIT does not protect is handed out with one warning', async (context) => {
    const setUp = 'echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets'
    const code = `const warnings = []
      process.on('warning', (warning) => warnings.push(warning.code))
      const allocator = await core.createAllocator({ timeWaitGuard: 'always' })
      await allocator.takeMany(3)
      await new Promise(setImmediate)
      return warnings`
    const warnings = await evaluate(context, ownNetwork(setUp), code)
    expect(warnings).toEqual(['PORTSLICE_TIME_WAIT'])
  })

  test('an error says that the loopback interface has only ::1', async (context) => {
    const by = ownNetwork('ip addr del 127.0.0.1/8 dev lo')
    const code = `${SERVE}
      await serve(20000, '::1')
      const error = await core.takePort().catch((error) => error)
      return {
        code: error.code, message: error.message,
        probes: [await inspect.probePort(20000), await inspect.probePort(20001)],
        isListening: await inspect.isListening(20000),
      }`
    const { message, ...told } = await evaluate(context, by, code)
    expect(message).toContain('the loopback interface has ::1, but not 127.0.0.1')
    expect(message).toContain('ip addr add 127.0.0.1/8 dev lo')
    expect(told).toEqual({
      code: 'ERR_PORTSLICE_NO_SOCKET',
      probes: [inUse, free],
      isListening: true,
    })
  })

  test.for([
    ['kept apart from IPv4', 'echo 1 > /proc/sys/net/ipv6/bindv6only', '::1'],
    ['kept apart from IPv4', 'echo 1 > /proc/sys/net/ipv6/bindv6only', '127.0.0.1'],
    ['off', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6', '127.0.0.1'],
  ])('with IPv6 %s a server is seen', async ([, setUp, address], context) => {
    const code = `${SERVE}
      const port = await core.takePort()
      await serve(port, '${address}')
      return { probe: await inspect.probePort(port), isListening: await inspect.isListening(port) }`
    const told = await evaluate(context, ownNetwork(setUp), code)
    expect(told).toEqual({ probe: inUse, isListening: true })
  })
})

describe.skipIf(process.platform !== 'linux')('where nothing can be written', () => {
  test('an error says how to work without files', async (context) => {
    const told = await evaluate(
      context,
      readOnly(),
      `delete process.env.PORTSLICE_LOCK_DIR
       const error = await core.takePort().catch((error) => error)
       return { code: error.code, advice: error.advice }`,
    )
    expect(told.code).toBe('ERR_PORTSLICE_LOCK_DIRECTORY')
    expect(told.advice).toContain('PORTSLICE_LOCK_DIR=none')
  })

  test('without files the sentinel alone keeps processes apart', async (context) => {
    const code = `process.env.PORTSLICE_LOCK_DIR = 'none'
      const range = [28000, 28031]
      const allocator = await core.createAllocator({ range, waitTimeout: 0 })
      const lease = await allocator.take()
      const claim = await core.claimPort(5150, { timeout: 0 })
      const { execFileSync } = process.getBuiltinModule('node:child_process')
      const other = execFileSync(process.execPath, ['--input-type=module', '-e', \`
        const core = await import('@portslice/core')
        const of = (promise) => promise.then(() => 'had', (error) => error.code)
        const options = { range: [28000, 28031], waitTimeout: 0 }
        console.log(JSON.stringify([
          await of(core.createAllocator(options)), await of(core.claimPort(5150, { timeout: 0 })),
          await of(core.claimPort(28001, { timeout: 0 })),
        ]))
        process.exit()\`], { encoding: 'utf8' })
      const held = (await core.listSlices()).filter(({ first }) => first === 28000)
      await lease.release()
      await claim.release()
      await allocator.close()
      return { port: lease.port, other: JSON.parse(other), held: held.length }`
    const told = await evaluate(context, readOnly(), code)
    expect(told).toMatchObject({
      other: [
        'ERR_PORTSLICE_RANGE_EXHAUSTED',
        'ERR_PORTSLICE_CLAIM_TIMEOUT',
        'ERR_PORTSLICE_CLAIM_TIMEOUT',
      ],
      held: 1,
    })
  })
})

describe.skipIf(process.platform !== 'linux')('without a readable /proc', () => {
  test('the slice of a dead holder is free at once', async (context) => {
    const code = `const { execFile } = process.getBuiltinModule('node:child_process')
      const range = [28064, 28095]
      const child = execFile(process.execPath, ['--input-type=module', '-e', \`
        const core = await import('@portslice/core')
        const allocator = await core.createAllocator({ range: [28064, 28095] })
        console.log((await allocator.take()).port)
        setInterval(() => {}, 1000)\`])
      await new Promise((resolve) => child.stdout.once('data', resolve))
      child.kill('SIGKILL')
      await new Promise((resolve) => child.once('exit', resolve))
      const start = performance.now()
      const allocator = await core.createAllocator({ range })
      const port = (await allocator.take()).port
      return { seconds: (performance.now() - start) / 1000, first: port }`
    const told = await evaluate(context, emptyProc(), code)
    expect(told.seconds).toBeLessThan(7)
    expect(told.first).not.toBe(28_064) // It is quarantined.
  })
})
