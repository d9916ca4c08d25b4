/** `portslice doctor`: what it finds, and its exit status. */
import { execFileSync } from 'node:child_process'
import { chownSync, mkdirSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, type TestContext, test } from 'vitest'
import { COMMAND, portslice, startFile, useLockDirectory } from '../support/command.ts'
import { ownSlices } from '../support/own-slices.ts'
import {
  emptyProc,
  foreignProc,
  isUsable,
  ownNetwork,
  permissionFlags,
  type Restricted,
  Restrictions,
  unprivileged,
} from '../support/restricted-machines.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

describe('doctor', () => {
  test('breaks lines between words, where the terminal ends', async () => {
    const short = await portslice(['doctor'], { ...options, env: { COLUMNS: '50' } })
    const lines = short.stdout.split('\n')
    for (const line of lines) if (line.length > 50) expect(line.trim()).not.toContain(' ')
    const { stdout } = await portslice(['doctor'], options)
    expect(short.stdout.split(/\s+/).slice(0, 20)).toEqual(stdout.split(/\s+/).slice(0, 20))
    expect(lines.length).toBeGreaterThan(stdout.split('\n').length)
  })

  test('doctor ends with 1 when the promise cannot be kept, and says what to do', async () => {
    expect(await portslice(['doctor'], options)).toMatchObject({ status: 0, stderr: '' })
    const locks = path.join(temporaryFolder(), 'open')
    mkdirSync(locks)
    execFileSync('chmod', ['777', locks])
    for (const env of [
      { PORTSLICE_LOCK_DIR: locks },
      // No user can create anything there, not even root.
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
})

interface Finding {
  id: string
  level: string
  message: string
  advice?: string
}

/** Few ports, so that checking them is quick. */
const FEW_SLICES = '20000-20511'
const DEFAULT_RANGE = { PORTSLICE_RANGE: '' }

/** Each finding by its id, as one text to match: `level: message → advice`. */
async function diagnose(
  { skip }: Pick<TestContext, 'skip'>,
  by: Restricted = [],
  env: Record<string, string> = {},
  nodeFlags: readonly string[] = [],
) {
  if (!isUsable(by)) skip(by.missing)
  const [program, ...args] = [
    ...(by as readonly string[]),
    process.execPath,
    ...nodeFlags,
    COMMAND,
    'doctor',
    '--json',
  ]
  const { lockDirectory: PORTSLICE_LOCK_DIR } = options
  const started = startFile(program as string, args, {
    cwd: import.meta.dirname,
    env: {
      NODE_NO_WARNINGS: '1',
      PORTSLICE_RANGE: FEW_SLICES,
      ...(PORTSLICE_LOCK_DIR && { PORTSLICE_LOCK_DIR }),
      ...env,
    },
  })
  const { stdout, stderr, status } = await started.ended
  expect(stderr).toBe('')
  const { ok, findings } = JSON.parse(stdout) as { ok: boolean; findings: Finding[] }
  expect(status).toBe(ok ? 0 : 1)
  return Object.fromEntries(
    findings.map(({ id, level, message, advice }) => [id, `${level}: ${message} → ${advice}`]),
  )
}

/** The ids of findings other than `ok`. */
function idsOfNotes(found: Record<string, string>): string[] {
  return Object.keys(found).filter((id) => !found[id]?.startsWith('ok'))
}

/** A script that runs the command in its arguments and exits with its status. */
const RUN_ARGUMENTS = `const [, program, ...args] = ['', ...process.argv.slice(1)]
  const { spawn } = process.getBuiltinModule('node:child_process')
  spawn(program, args, { stdio: 'inherit' }).once('exit', (status) => process.exit(status))`

const restrictions = new Restrictions()
afterAll(() => restrictions[Symbol.dispose]())
const { EPERM, EACCES } = os.constants.errno

describe.skipIf(process.platform !== 'linux')('doctor on an unusual machine', () => {
  test.for(['unshare', 'bwrap'] as const)(
    'says that /proc is of another PID namespace (%s)',
    async (by, context) => {
      const found = await diagnose(context, foreignProc(by))
      expect(found.processes).toMatch(/^note: \/proc belongs to another PID namespace.*mount-proc/s)
    },
  )

  test.for<[string, () => Restricted, () => string[]]>([
    ['empty', emptyProc, () => []],
    ['not allowed by the permission model', () => [], permissionFlags],
  ])('says what cannot be read with a /proc that is %s', async ([, by, flags], context) => {
    const found = await diagnose(context, by(), { PORTSLICE_RANGE: '29952-30207' }, flags())
    expect(found).toMatchObject({
      processes: expect.stringMatching(/^note: The processes cannot be read/),
      network: expect.stringMatching(/^note: The network namespace cannot be read/),
      'ephemeral-range': expect.stringMatching(
        /^note: The range of ephemeral ports cannot be read .*assumes 32768-60999, the default of Linux/,
      ),
      'time-wait': expect.stringMatching(/^note: Whether TIME_WAIT .* is unknown/),
      'redirected-ports': expect.stringMatching(/^note: Whether .* is unknown/),
      'foreign-listeners': expect.stringMatching(/^note: Which other programs .* is unknown/),
      slices: expect.stringMatching(/^ok: /),
    })
  })

  test('says which permission Node lacks', async (context) => {
    const folder = temporaryFolder()
    const flags = permissionFlags().filter((flag) => !flag.endsWith(`=${os.tmpdir()}`))
    const found = await diagnose(context, [], { PORTSLICE_LOCK_DIR: folder }, flags)
    expect(found.permissions).toMatch(/^note: .*--allow-fs-read=\/proc .*--allow-child-process/s)
    expect(found['lock-directory']).toContain(`problem: The lock directory "${folder}"`)
    expect(found['lock-directory']).toContain(`--allow-fs-write=${folder}`)
  })

  test.for<[string, () => Restricted, RegExp]>([
    ['TCP, EPERM', () => restrictions.deny('listen', EPERM), /^problem: TCP .*EPERM.*seccomp/s],
    ['TCP, EACCES', () => restrictions.deny('listen', EACCES), /^problem: TCP .*EACCES.*Landlock/s],
    [
      'TCP, by Landlock',
      () => restrictions.deny('landlock', 0),
      /^problem: TCP .*EACCES.*Landlock/s,
    ],
    ['UDP', () => restrictions.deny('udp', EPERM), /^problem: UDP .*EPERM.*seccomp/s],
  ])('says that ports may not be bound: %s', async ([, by, expected], context) => {
    const found = await diagnose(context, by())
    expect(found.sockets).toMatch(expected)
    expect(found.sockets).toContain('They are not in use: this process lacks the permission')
    // A sandbox without listen(2) has no UNIX sockets either. The machine may have foreign listeners.
    const unrelated = ['liveness', 'foreign-listeners']
    expect(idsOfNotes(found).filter((id) => !unrelated.includes(id))).toEqual(['sockets'])
  })

  test('says that some slices may not be bound, and does not count them', async (context) => {
    const setUp = 'echo 20128 > /proc/sys/net/ipv4/ip_unprivileged_port_start'
    const env = { PORTSLICE_LOCK_DIR: 'none', PORTSLICE_RANGE: '20000-20255' }
    const found = await diagnose(context, unprivileged(ownNetwork(setUp)), env)
    expect(found.sockets).toMatch(/^note: UDP ports .* 4 of 8 slices \(20000-20127\): EACCES/)
    expect(found.sockets).toContain('PORTSLICE_RANGE=20128-32767')
    expect(found.slices).toMatch(/^note: 4 of 8 slices are free.* may not use 4 of them/)
  })

  test('says that a connection has a claimed port', async (context) => {
    const by = ownNetwork()
    if (!isUsable(by)) return context.skip(by.missing)
    const claim = `const { createServer, connect } = await import('node:net')
      const { claimPort } = await import('@portslice/core')
      await claimPort(20005)
      createServer().listen(9999, '127.0.0.1', () => {
        connect({ port: 9999, host: '127.0.0.1', localPort: 20005 }).once('connect', () => {
          ${RUN_ARGUMENTS}
        })
      })`
    const inside = [...by, process.execPath, '--input-type=module', '-e', claim, '--']
    const found = await diagnose(context, inside)
    expect(found.claims).toMatch(
      /^note: Port 20005 is claimed by .*, but occupied by a connection of .*pid \d+ to 127\.0\.0\.1:9999/,
    )
  })

  test.for([
    ['10100 65535', /^note: .*from 10000-65535: all .* 1733 of the 1735 slices .*10100-65535/],
    ['1024 4999', /^ok: .*from 10000-65535: .* ephemeral range is below/],
    ['10000 20000', /^ok: .*from 20001-65535: .* without the ephemeral range/],
    ['20000 21000', /^ok: .*from 10000-19999: from 10000 to the last port below/],
  ] as const)(
    'tells the truth about the ephemeral range %s',
    async ([range, expected], context) => {
      const by = ownNetwork(`echo ${range} > /proc/sys/net/ipv4/ip_local_port_range`)
      const found = await diagnose(context, by, DEFAULT_RANGE)
      expect(found['ephemeral-range']).toContain(
        `ephemeral ports of the system are ${range.replace(' ', '-')}`,
      )
      expect(found.range).toMatch(expected)
    },
  )

  test.for([
    [{ CI_NODE_INDEX: '3', CI_NODE_TOTAL: '100' }, /^ok: This is shard 3 of 100, .*first/, 711],
    [
      { CI_NODE_INDEX: '9', CI_NODE_TOTAL: '4' },
      /^note: No shard .*does not describe a shard.*ignored/,
      711,
    ],
    [{ PORTSLICE_SHARD: '3/100' }, /^ok: This is shard 3 of 100, .*only its own part/, 7],
  ] as const)('says how much a shard counts: %o', async ([env, expected, slices], context) => {
    const by = ownNetwork()
    const found = await diagnose(context, by, { ...DEFAULT_RANGE, ...env })
    expect(found.shard).toMatch(expected)
    expect(found.slices).toContain(`${slices} of ${slices} slices are free`)
  })

  test('says that a redirected port is answered without a socket', async (context) => {
    const setUp = [
      'nft add table ip t',
      'nft "add chain ip t c { type nat hook output priority -100; }"',
      'nft add rule ip t c tcp dport 30080 redirect to :9999',
    ].join(' && ')
    const by = ownNetwork(setUp)
    if (!isUsable(by)) return context.skip(by.missing)
    const serve = `process.getBuiltinModule('node:net').createServer().listen(9999, () => {
      ${RUN_ARGUMENTS}
    })`
    const found = await diagnose(context, [...by, process.execPath, '-e', serve, '--'], {
      PORTSLICE_RANGE: '29952-30207',
    })
    expect(found['redirected-ports']).toMatch(/^note: .* them: 30080\. The packet filter/)
  })

  test.for([
    ['10000-10999', /^note: TIME_WAIT has no effect here.*tcp_max_tw_buckets is 0.*outside/],
    ['40000-41000', /^problem: TIME_WAIT has no effect here.* 31 of 31 slices/],
  ] as const)('says that TIME_WAIT guards nothing: %s', async ([range, expected], context) => {
    const by = ownNetwork('echo 0 > /proc/sys/net/ipv4/tcp_max_tw_buckets')
    const found = await diagnose(context, by, { PORTSLICE_RANGE: range })
    expect(found['time-wait']).toMatch(expected)
    const guarded = await diagnose(context, ownNetwork(), { PORTSLICE_RANGE: range })
    expect(guarded['time-wait']).toMatch(/^ok: /)
  })

  test.for([
    ['no 127.0.0.1', 'ip addr del 127.0.0.1/8 dev lo', /^problem: .*has ::1, but not 127\.0\.0\.1/],
    ['no interface', 'ip link set lo down', /^problem: The loopback interface is down/],
    ['no IPv6', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6', /^note: .*but not ::1/],
    ['bindv6only', 'echo 1 > /proc/sys/net/ipv6/bindv6only', /^note: net\.ipv6\.bindv6only is 1/],
  ] as const)('says which addresses there are: %s', async ([, setUp, expected], context) => {
    const found = await diagnose(context, ownNetwork(setUp))
    expect(found.addresses).toMatch(expected)
    expect(idsOfNotes(found)).toEqual(['addresses'])
  })

  test('says that a Docker daemon publishes elsewhere, and how to share a directory', async (context) => {
    const env = { DOCKER_HOST: 'tcp://docker.example:2375' }
    const found = await diagnose(context, [], env)
    expect(found.docker).toMatch(
      /^note: .*docker\.example.*another network namespace.*docs\/ci\.md/s,
    )
    expect(found.docker).toContain('if it is on a volume that all jobs share')
    const socket = path.join(temporaryFolder(), 'docker.sock')
    const listen = `process.getBuiltinModule('node:net').createServer().listen('${socket}', () => console.log('up'))`
    await startFile(process.execPath, ['-e', listen]).said(/up/)
    const here = await diagnose(context, [], { DOCKER_HOST: `unix://${socket}` })
    expect(here.docker).toMatch(/^ok: /)
    const there = await diagnose(context, ownNetwork(), { DOCKER_HOST: `unix://${socket}` })
    expect(there.docker).toMatch(/^note: .*in another network namespace/)
  })

  test('counts a slice that is held in another network namespace', async (context) => {
    const by = ownNetwork()
    if (!isUsable(by)) return context.skip(by.missing)
    await using own = await ownSlices(1)
    const env = {
      PORTSLICE_RANGE: own.range.join('-'),
      PORTSLICE_LOCK_DIR: options.lockDirectory,
    }
    const [program, ...args] = by as readonly string[]
    const run = ['run', '--', 'sh', '-c', 'echo held; exec sleep 60']
    const held = startFile(program as string, [...args, process.execPath, COMMAND, ...run], { env })
    await held.said(/held/)
    const found = await diagnose(context, [], env)
    expect(found.slices).toMatch(/^problem: 0 of 1 slices are free.*Held: \d+ \(portslice run/)
  })
})

describe.skipIf(process.platform === 'win32')('the lock directory', () => {
  test('is relative: processes elsewhere have another', async (context) => {
    const found = await diagnose(context, [], { PORTSLICE_LOCK_DIR: '../tests/node_modules/locks' })
    expect(found['lock-directory']).toMatch(
      /^note: .*is "\.\.\/tests\/node_modules\/locks", a relative path.*export PORTSLICE_LOCK_DIR=\/.*\/locks$/s,
    )
  })

  test('is under a relative $TMPDIR', async (context) => {
    options.lockDirectory = '' // Use the default.
    const found = await diagnose(context, [], { TMPDIR: 'node_modules' })
    expect(found['lock-directory']).toMatch(
      /^note: .*\$TMPDIR is "node_modules".*export TMPDIR=\//s,
    )
  })

  test('is another than the default, which another user has', async (context) => {
    if (process.getuid?.() !== 0) return context.skip('only root can give a directory away')
    options.lockDirectory = '' // Use the default.
    const TMPDIR = temporaryFolder()
    const usual = path.join(TMPDIR, 'portslice-0')
    mkdirSync(usual, 0o700)
    chownSync(usual, 1500, 1500)
    const found = await diagnose(context, [], { TMPDIR })
    expect(found['lock-directory']).toMatch(
      /^note: .*portslice-0-2".*"[^"]*portslice-0" is not used, because it belongs to another user/s,
    )
  })

  test('cannot be created: running without files, and what that costs', async (context) => {
    const PORTSLICE_LOCK_DIR = '/proc/portslice/locks'
    const found = await diagnose(context, [], { PORTSLICE_LOCK_DIR })
    expect(found['lock-directory']).toMatch(/^problem: .*PORTSLICE_LOCK_DIR=none.*not quarantined/s)
    const without = await diagnose(context, [], { PORTSLICE_LOCK_DIR: 'none' })
    expect(without['lock-directory']).toMatch(/^note: .*uses no files.*not quarantined/s)
  })

  test('has a path that is too long for a UNIX socket', async (context) => {
    const long = path.join(temporaryFolder(), 'a'.repeat(60))
    const found = await diagnose(context, [], { PORTSLICE_LOCK_DIR: long })
    expect(found.liveness).toMatch(/^note: .*too long for a UNIX socket.*age of its lock/s)
    expect((await diagnose(context)).liveness).toMatch(/^ok: /)
  })
})
