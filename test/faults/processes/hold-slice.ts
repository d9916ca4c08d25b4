/** Holds a slice with some ports out, and shows on demand that it still does. */
import { once } from 'node:events'
import net from 'node:net'
import { type AllocatorOptions, createAllocator, type PortLease } from '@portslice/core'
import { collectWarnings, onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  options: AllocatorOptions
  /** How long `block` blocks the event loop, in ms. */
  block?: number
}

export interface Holding {
  first: number
  ports: number[]
  warnings: string[]
}

const { options, block = 0 } = readPlan<Plan>()
const warnings = collectWarnings()
const allocator = await createAllocator(options)
const leases = await allocator.takeMany(4, { label: 'held' })
// Two are in use, and two are not bound yet: other processes could get those by mistake.
await Promise.all(leases.slice(0, 2).map(serve))

async function serve({ port }: PortLease): Promise<net.Server> {
  const server = net.createServer().listen({ port, exclusive: true })
  await once(server, 'listening')
  return server
}

function tell(): void {
  const first = allocator.slices[0]?.first ?? 0
  const ports = leases.map(({ port }) => port)
  say({ first, ports, warnings } satisfies Holding)
}

onWords({
  // Like a test with a long computation or a breakpoint.
  block: () => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block),
  'carry on': async () => {
    const returned = leases.pop() as PortLease
    for (const server of [await serve(returned), await serve(leases[2] as PortLease)]) {
      server.close()
      await once(server, 'close')
    }
    await returned.release()
    leases.push(await allocator.take({ label: 'taken later' }))
    tell()
  },
  end: async () => {
    await allocator.close()
    process.exit()
  },
  // Ends like a test runner's worker that has no time to close anything.
  'block and exit': () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, block)
    process.exit()
  },
})
tell()
