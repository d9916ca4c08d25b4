/** Tests docs/security.md: each item of its lists is the name of a test. */
import { spawn, spawnSync } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { createAllocator, namedPort, type PortAllocator } from '@portslice/core'
import { userIdentity } from '@portslice/core/internal/inspect'
import { expect, onTestFinished, test } from 'vitest'
import { cleanEnvironment, runNode } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

/** An unprivileged user that owns no files. */
const OTHER_USER = 65_534
/** The user id in the name of the default lock directory. */
const USER = userIdentity()

/** An allocator with another lock directory and another first slice than the tests that run at the same time. */
async function ownAllocator(lockDirectory = path.join(temporaryFolder(), 'locks')) {
  const workerId = 1 + Math.floor(Math.random() * 100_000)
  const allocator = await createAllocator({ lockDirectory, workerId })
  onTestFinished(() => allocator.close())
  return { allocator, slice: allocator.slices[0] as { first: number; last: number }, lockDirectory }
}

/** Runs a module in a new process, with `core` imported. */
const runWithCore = (code: string, env: Record<string, string>) =>
  runNode(['--input-type=module', '-e', `const core = await import('@portslice/core'); ${code}`], {
    cwd: import.meta.dirname,
    env: { NODE_NO_WARNINGS: '1', ...env },
  })

const TELL_CODE =
  'core.takePort().then(() => console.log("taken"), (e) => console.log(e.code, e.message))'

async function bound(socket: net.Server | dgram.Socket) {
  await once(socket, 'listening')
  onTestFinished(() => new Promise<void>((resolve) => void socket.close(() => resolve())))
  return socket
}

const sitOn = (sentinel: number) =>
  bound(dgram.createSocket('udp4').bind({ port: sentinel, address: '127.0.0.1', exclusive: true }))

test('ports of the range on which other programs listen are skipped', async () => {
  const { allocator, slice } = await ownAllocator()
  const theirs = [slice.first, slice.first + 1, slice.first + 2]
  for (const port of theirs) await bound(net.createServer().listen(port, '127.0.0.1'))
  const ports = (await allocator.takeMany(20)).map(({ port }) => port)
  expect(ports.filter((port) => theirs.includes(port))).toEqual([])
})

test('a process that binds a sentinel takes that slice alone; if no other is left, there is an error', async () => {
  const { allocator, slice, lockDirectory } = await ownAllocator()
  await allocator.close()
  await sitOn(slice.last)
  const options = { lockDirectory, waitTimeout: 200 }
  const code = 'ERR_PORTSLICE_RANGE_EXHAUSTED'
  await expect(
    createAllocator({ ...options, range: [slice.first, slice.last] }),
  ).rejects.toMatchObject({ code })
  const elsewhere = await createAllocator(options)
  onTestFinished(() => elsewhere.close())
  expect(elsewhere.slices[0]?.first).not.toBe(slice.first)
})

test('a port that is out can be bound by a process that is quicker than the app, which then gets EADDRINUSE', async () => {
  const { allocator } = await ownAllocator()
  const { port } = await allocator.take()
  await bound(net.createServer().listen(port, '127.0.0.1'))
  await expect(once(net.createServer().listen(port, '127.0.0.1'), 'listening')).rejects.toThrow(
    'EADDRINUSE',
  )
})

test('a flood of datagrams to a sentinel changes nothing', async () => {
  const { allocator, slice } = await ownAllocator()
  const flood = `const socket = require('node:dgram').createSocket('udp4'), data = Buffer.alloc(60000)
    let sent = 0
    const more = () => { for (let i = 0; i < 50; i++) socket.send(data, ${slice.last}, '127.0.0.1'); sent += 50; setImmediate(more) }
    more(); setTimeout(() => console.log('flooding'), 100)`
  const flooder = spawn(process.execPath, ['-e', flood], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void flooder.kill('SIGKILL'))
  await once(flooder.stdout, 'data')
  for (let i = 0; i < 5; i++) {
    const leases = await allocator.takeMany(4)
    expect(await Promise.all(leases.map((lease) => lease.release()))).not.toContainEqual({
      leaked: true,
    })
  }
  expect(flooder.exitCode).toBeNull()
  expect(allocator.slices).toEqual([slice])
})

test('the lock directory has mode 0700 and a journal 0600, also where the umask is 0', async () => {
  const folder = path.join(temporaryFolder(), 'locks')
  await runWithCore('process.umask(0); await core.takePort()', { PORTSLICE_LOCK_DIR: folder })
  const mode = (file: string) => (fs.statSync(file).mode & 0o777).toString(8)
  const journals = fs.readdirSync(folder).filter((name) => name.endsWith('.ndjson'))
  expect(mode(folder)).toBe('700')
  expect(journals.map((name) => mode(path.join(folder, name)))).toEqual(['600'])
})

test.each([
  ['a symbolic link', (at: string, victim: string) => fs.symlinkSync(victim, at)],
  ['a dangling symbolic link', (at: string) => fs.symlinkSync(`${at}-target`, at)],
  ['a file', (at: string) => fs.writeFileSync(at, 'planted')],
  [
    'a directory that all may write to',
    (at: string) => fs.mkdirSync(at) ?? fs.chmodSync(at, 0o777),
  ],
])(
  '%s, planted where the default lock directory goes, is left as it is, and another name is used',
  async (_, plant) => {
    const [temporary, victim] = [temporaryFolder(), temporaryFolder()]
    const planted = path.join(temporary, `portslice-${USER}`)
    plant(planted, victim)
    const before = fs.lstatSync(planted).ctimeMs
    const { stdout } = await runWithCore(TELL_CODE, { TMPDIR: temporary })
    expect(stdout).toBe('taken\n')
    expect(fs.readdirSync(temporary)).toEqual([`portslice-${USER}`, `portslice-${USER}-2`])
    expect(fs.lstatSync(planted).ctimeMs).toBe(before)
    expect(fs.lstatSync(`${planted}-2`).mode & 0o777).toBe(0o700)
    expect(fs.readdirSync(victim)).toEqual([])
  },
)

test('an unfit lock directory that was named is refused, never used and never "repaired"', async () => {
  const named = path.join(temporaryFolder(), 'named')
  fs.mkdirSync(named)
  fs.chmodSync(named, 0o777)
  const { stdout } = await runWithCore(TELL_CODE, { PORTSLICE_LOCK_DIR: named })
  expect(stdout).toMatch(/^ERR_PORTSLICE_LOCK_DIRECTORY .* can be written to by other users/)
  expect(stdout).toContain('$PORTSLICE_LOCK_DIR')
  expect(fs.readdirSync(named)).toEqual([])
  expect(fs.statSync(named).mode & 0o777).toBe(0o777)
})

test('a hostile journal delays no more than the ports of its own slice', async () => {
  const { allocator, slice, lockDirectory } = await ownAllocator()
  await allocator.close()
  const journal = path.join(lockDirectory, `slice-${slice.first}.ndjson`)
  const hostile = [
    { event: 'take', port: slice.first, at: '9999-01-01T00:00:00Z' },
    { event: 'quarantine', port: slice.first + 1, until: '9999-01-01T00:00:00Z' },
    { event: 'take', port: 1e9, label: 'x'.repeat(1e6), __proto__: null },
    { v: 1, event: 'lease', pid: -1, host: '../..', cwd: 7 },
  ].map((line) => JSON.stringify(line))
  fs.writeFileSync(
    journal,
    `${'['.repeat(1e5)}\n${hostile.join('\n')}\n{"__proto__":{"port":1}}\n\0`,
  )
  const next = await createAllocator({ lockDirectory, range: [slice.first, slice.last] })
  onTestFinished(() => next.close())
  expect((await next.take()).port).toBe(slice.first + 2)
  expect(({} as { port?: number }).port).toBeUndefined()
})

test.each([
  ['PORTSLICE_RANGE', '1-65535'],
  ['PORTSLICE_RANGE', '20000-29999; rm -rf /'],
  ['PORTSLICE_RANGE', '\u001b[2J'],
  ['PORTSLICE_SHARD', '0/0'],
  ['PORTSLICE_SHARD', '../../etc'],
])(
  'a hostile $%s (%j) is refused by its name, without its control characters',
  async (name, value) => {
    const { stdout } = await runWithCore(TELL_CODE, {
      PORTSLICE_LOCK_DIR: path.join(temporaryFolder(), 'locks'),
      [name]: value,
    })
    expect(stdout).toMatch(/^ERR_PORTSLICE_(RANGE|SHARD)_INVALID /)
    expect(stdout).toContain(`$${name}`)
    expect(stdout).not.toContain('\u001b')
  },
)

test('a hostile $PORTSLICE_PORT_<NAME> is refused', async () => {
  for (const value of ['22', '70000', '8080/x', '-1', '0x50']) {
    const code = 'core.namedPort("web").then(console.log, (e) => console.log(e.code, e.message))'
    const { stdout } = await runWithCore(code, { PORTSLICE_PORT_WEB: value })
    expect(stdout).toMatch(/^ERR_PORTSLICE_OPTION_INVALID .*\$PORTSLICE_PORT_WEB/)
  }
})

test.each(['../x', 'A=B', 'a b', '', '1web', '__proto__', 'ä', 'x\0y', 'w\n', 'a'.repeat(65)])(
  'a port with a hostile name (%j) is refused: nothing else becomes the name of a variable',
  async (name) => {
    await expect(namedPort(name)).rejects.toMatchObject({ code: 'ERR_PORTSLICE_OPTION_INVALID' })
  },
)

test('labels and keys never become paths, nor lines of a journal', async () => {
  const { allocator, slice, lockDirectory } = await ownAllocator()
  const hostile = `../../x\n{"event":"release","port":${slice.first}}\n\u001b[2J\0`
  await allocator.take({ label: hostile, key: hostile })
  const names = fs.readdirSync(lockDirectory)
  expect(names.filter((name) => !/^slice-\d+\.(lock|ndjson|sock)$/.test(name))).toEqual([])
  const text = fs.readFileSync(path.join(lockDirectory, `slice-${slice.first}.ndjson`), 'utf8')
  expect(text).not.toMatch(/[^\n\x20-\x7e]/)
  expect(
    text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).event),
  ).toEqual(['lease', 'take'])
})

function otherUser(code: string) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', code],
    {
      uid: OTHER_USER,
      gid: OTHER_USER,
      cwd: import.meta.dirname,
      env: cleanEnvironment(),
      encoding: 'utf8',
      timeout: 60_000,
    },
  )
  return { status, stdout, stderr }
}

/** Only root may start a process of another user, who must be able to read this repository. */
const hasOtherUser =
  process.getuid?.() === 0 && otherUser("await import('@portslice/core')").status === 0
const testOfUsers = test.skipIf(!hasOtherUser)

async function withPortOut(): Promise<{ allocator: PortAllocator; first: number; base: string }> {
  const folder = temporaryFolder()
  fs.chmodSync(folder, 0o711) // So that only the lock directory keeps others out.
  const { allocator, slice, lockDirectory } = await ownAllocator(path.join(folder, 'locks'))
  await allocator.take({ label: 'secret' })
  return { allocator, first: slice.first, base: path.join(lockDirectory, `slice-${slice.first}`) }
}

testOfUsers(
  'another user can neither read labels nor break locks (needs root to try)',
  async () => {
    const { base } = await withPortOut()
    const attempts = [
      `fs.readFileSync('${base}.ndjson')`,
      `fs.readdirSync('${path.dirname(base)}')`,
      `fs.rmdirSync('${base}.lock')`,
      `fs.writeFileSync('${base}.ndjson', '')`,
      `fs.renameSync('${path.dirname(base)}', '${path.dirname(base)}-away')`,
    ]
    for (const attempt of attempts) {
      const { stderr } = otherUser(`import fs from 'node:fs'; ${attempt}`)
      expect(stderr).toMatch(/EACCES|EPERM/)
    }
  },
)

testOfUsers(
  'another user is kept from a slice that is held, whatever lock directory they use (needs root to try)',
  async () => {
    const { first } = await withPortOut()
    const theirs = temporaryFolder()
    fs.chownSync(theirs, OTHER_USER, OTHER_USER)
    const { stdout, stderr } = otherUser(`
    const { createAllocator } = await import('@portslice/core')
    const options = { range: [${first}, ${first + 31}], lockDirectory: '${theirs}/locks', waitTimeout: 100 }
    console.log(await createAllocator(options).then(() => 'leased', (error) => error.code))`)
    expect({ stdout, stderr }).toEqual({ stdout: 'ERR_PORTSLICE_RANGE_EXHAUSTED\n', stderr: '' })
  },
)

testOfUsers(
  'a default lock directory that another user created first is left as it is, and both users have their own under another name (needs root to try)',
  async () => {
    const temporary = temporaryFolder()
    fs.chmodSync(temporary, 0o1777)
    // Ours, where the other user's would go, and theirs, where ours would.
    const uids = { [process.getuid?.() as number]: OTHER_USER, [OTHER_USER]: 0 }
    for (const [uid, owner] of Object.entries(uids)) {
      const planted = path.join(temporary, `portslice-${uid}`)
      fs.mkdirSync(planted, { mode: 0o700 })
      fs.chownSync(planted, owner, owner)
    }
    const code = `process.env.TMPDIR = '${temporary}'
      const core = await import('@portslice/core')
      await ${TELL_CODE}`
    const asRoot = await runNode(['--input-type=module', '-e', code], { cwd: import.meta.dirname })
    for (const { stdout } of [asRoot, otherUser(code)]) {
      expect(stdout).toBe('taken\n')
    }
    for (const uid of Object.keys(uids)) {
      expect(fs.readdirSync(path.join(temporary, `portslice-${uid}`))).toEqual([])
      expect(fs.statSync(path.join(temporary, `portslice-${uid}-2`)).uid).toBe(Number(uid))
    }
  },
)
