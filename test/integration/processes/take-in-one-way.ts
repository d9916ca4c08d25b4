/**
 * A process that is handed ports in one way, again and again, binds apps on them late, and notes
 * every interval. Arguments: a folder for the notes, the way, and how often.
 */
import { once } from 'node:events'
import http from 'node:http'
import net, { type AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAllocator, listen, type PortLease, withPort } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'

const [folder, way, times] = process.argv.slice(2) as [string, keyof typeof WAYS, string]
const recorder = new Recorder(path.join(folder, 'intervals.ndjson'))

/** The longest that an app waits before it binds its port, in ms. */
const BINDS_AFTER = 20

/** Binds it late, as apps do; fails with EADDRINUSE should another process have it. */
async function appOn(port: number): Promise<http.Server> {
  await sleep(Math.random() * BINDS_AFTER)
  const server = http.createServer().listen(port)
  await once(server, 'listening')
  return server
}

async function close(server: net.Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await closed
}

async function use(leases: PortLease[]): Promise<void> {
  const recordReleases = leases.map(({ port }) => recorder.recordTake(port))
  const apps = await Promise.all(leases.map(({ port }) => appOn(port)))
  await Promise.all(apps.map(close))
  for (const recordRelease of recordReleases) recordRelease()
  await Promise.all(leases.map((lease) => lease.release()))
}

const WAYS = {
  /** Every other time another program binds the port before the app does. */
  async withPort(): Promise<void> {
    let others = 0
    const seen: number[] = []
    await withPort(async (port) => {
      const recordRelease = recorder.recordTake(port)
      seen.push(port)
      const other = net.createServer()
      if (others++ < 2 && Math.random() < 0.5) {
        other.listen({ port, exclusive: true })
        await once(other, 'listening')
      }
      try {
        await close(await appOn(port))
      } finally {
        if (other.listening) await close(other)
        recordRelease()
      }
    })
    if (new Set(seen).size !== seen.length) throw new Error(`A port was tried again: ${seen}`)
  },

  async listen(): Promise<void> {
    const server = http.createServer()
    const lease = await listen(server)
    const recordRelease = recorder.recordTake(lease.port)
    if ((server.address() as AddressInfo).port !== lease.port) throw new Error('Another port.')
    await sleep(Math.random() * BINDS_AFTER)
    recordRelease() // It is given back with the 'close' that comes next.
    await close(server)
  },

  async takeBlock(): Promise<void> {
    const leases = await allocator.takeBlock(5)
    const first = leases[0]?.port as number
    if (leases.some(({ port }, index) => port !== first + index)) throw new Error('No block.')
    await use(leases)
  },

  async takeMany(): Promise<void> {
    await use(await allocator.takeMany(5))
  },

  async random(): Promise<void> {
    await using random = await createAllocator({ order: 'random' })
    await use([await random.take(), await random.take()])
  },

  async key(): Promise<void> {
    const key = `https://shop-${process.pid}.example`
    const [one, other] = [await allocator.take({ key }), await allocator.take({ key })]
    if (one.port !== other.port) throw new Error('The same key had two ports.')
    const recordRelease = recorder.recordTake(one.port)
    await one.release()
    await close(await appOn(other.port)) // Still out: it is held twice.
    recordRelease()
    await other.release()
  },

  async releaseWhenClosed(): Promise<void> {
    const lease = await allocator.take({ releaseWhenClosed: true })
    const recordRelease = recorder.recordTake(lease.port)
    const app = await appOn(lease.port)
    await sleep(150) // Long enough for it to be seen.
    recordRelease()
    await close(app)
    await lease.release()
  },
}

const allocator = await createAllocator()
for (let i = 0; i < Number(times); i++) await WAYS[way]()
await allocator.close()
