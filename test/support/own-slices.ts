import dgram from 'node:dgram'
import { once } from 'node:events'
import net from 'node:net'
import { createAllocator } from '@portslice/core'

const SLICE_SIZE = 32

/** Below the default range and the ephemeral range: no other test gets these ports. */
const UNUSED = [1024, 9999] as const

export interface OwnSlices extends AsyncDisposable {
  readonly range: readonly [first: number, last: number]
  readonly count: number
}

/**
 * Neighbouring slices without a holder. TCP listeners on the ports of their sentinels, which portslice
 * ignores, keep them from other runs of the suite.
 *
 * @param mayBeUsed whether some of the ports may be in use; otherwise nothing listens on any
 */
export async function ownSlices(
  count: number,
  [lowest, highest]: readonly [number, number] = UNUSED,
  { mayBeUsed = false } = {},
): Promise<OwnSlices> {
  const places = Math.floor((highest + 1 - lowest) / SLICE_SIZE) - count + 1
  for (let tries = 0; tries < 200; tries++) {
    const first = lowest + Math.floor(Math.random() * places) * SLICE_SIZE
    const markers: net.Server[] = []
    while (markers.length < count) {
      const marker = await mark(first + markers.length * SLICE_SIZE, mayBeUsed)
      if (!marker) break
      markers.push(marker)
    }
    const release = async () => void (await Promise.all(markers.map(close)))
    if (markers.length === count) {
      return {
        range: [first, first + count * SLICE_SIZE - 1],
        count,
        [Symbol.asyncDispose]: release,
      }
    }
    await release()
  }
  throw new Error(`No ${count} neighbouring slices are free on this machine.`)
}

/**
 * A slice without a holder, for claims: below the default range, where no other test leases one. Another
 * run of these tests at the same time gets another slice.
 */
export async function sliceForClaims(
  lockDirectory: string,
): Promise<{ first: number; last: number; port: number }> {
  const workerId = process.pid
  await using allocator = await createAllocator({ lockDirectory, range: [1088, 3071], workerId })
  const { port } = await allocator.take()
  return { ...(allocator.slices[0] as { first: number; last: number }), port }
}

async function mark(slice: number, mayBeUsed: boolean): Promise<net.Server | undefined> {
  const sentinel = slice + SLICE_SIZE - 1
  const others = mayBeUsed ? 0 : SLICE_SIZE - 1
  const listeners = await Promise.all(Array.from({ length: others }, (_, i) => listen(slice + i)))
  await Promise.all(listeners.map(close))
  return listeners.every(Boolean) && (await isUnheld(sentinel)) ? listen(sentinel) : undefined
}

async function listen(port: number): Promise<net.Server | undefined> {
  const server = net.createServer().listen({ port, exclusive: true }).unref()
  try {
    await once(server, 'listening')
    return server
  } catch {
    return undefined
  }
}

async function isUnheld(sentinel: number): Promise<boolean> {
  const socket = dgram.createSocket('udp4')
  try {
    socket.bind({ port: sentinel, address: '127.0.0.1', exclusive: true })
    await once(socket, 'listening')
    return true
  } catch {
    return false
  } finally {
    socket.close()
  }
}

async function close(server: net.Server | undefined): Promise<void> {
  if (!server?.listening) return
  server.close()
  await once(server, 'close')
}
