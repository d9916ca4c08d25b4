/** The kernel hands out a guarded port only to a program that asks for it by its number. */
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import net, { type AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { createAllocator, type PortLease } from '@portslice/core'
import { expect, onTestFinished, test } from 'vitest'

/** Of each kind. A port that is not guarded is met about 2 * 7500 / 28 000 times. */
const ASKED = 7500
const PORTS = 62
const RANGE_FILE = '/proc/sys/net/ipv4/ip_local_port_range'

/** The ports that the OS gives to servers that listen on port 0. */
async function portsOfBindZero(): Promise<number[]> {
  const ports: number[] = []
  for (let i = 0; i < ASKED; i++) {
    const server = net.createServer().listen(0)
    await once(server, 'listening')
    ports.push((server.address() as AddressInfo).port)
    const closed = once(server, 'close')
    server.close()
    await closed
  }
  return ports
}

/** The ports that the OS gives to clients. Reset at the end: they are to leave no TIME_WAIT of their own. */
async function portsOfConnections(): Promise<number[]> {
  const server = net.createServer((socket) => socket.on('error', () => {})).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const ports: number[] = []
  for (let i = 0; i < ASKED; i++) {
    const client = net.connect(port, '127.0.0.1')
    await once(client, 'connect')
    ports.push(client.localPort as number)
    const closed = once(client, 'close')
    client.resetAndDestroy()
    await closed
  }
  server.close()
  return ports
}

const hits = (given: readonly number[], leases: readonly PortLease[]) =>
  given.filter((port) => leases.some((lease) => lease.port === port)).length

test.skipIf(process.platform !== 'linux')(
  'the OS gives guarded ports to no bind(0) and no connection; they can be bound by number',
  async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-guard-'))
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
    const [first, last] = readFileSync(RANGE_FILE, 'utf8').trim().split(/\s+/).map(Number)
    const options = {
      range: [first as number, last as number] as const,
      lockDirectory: path.join(folder, 'locks'),
    }
    // The default, `auto`, guards them: they are the OS's own.
    await using guarding = await createAllocator(options)
    await using careless = await createAllocator({ ...options, timeWaitGuard: 'never' })
    const guarded = await guarding.takeMany(PORTS)
    const unguarded = await careless.takeMany(PORTS)

    const given = [...(await portsOfBindZero()), ...(await portsOfConnections())]
    expect(hits(given, guarded)).toBe(0)
    // Otherwise the kernel would not hand out these ports at all, and the test would prove nothing.
    expect(hits(given, unguarded)).toBeGreaterThan(0)

    for (const { port } of guarded) {
      const server = net.createServer().listen(port)
      await once(server, 'listening')
      server.close()
    }
  },
)
