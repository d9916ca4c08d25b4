/** Repeatedly takes ports, binds an app late on each, and gives them back. */
import { once } from 'node:events'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator, type PortLease } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'
import { collectWarnings, onWords, readPlan, say } from '../../support/script.ts'

export interface Plan {
  options: AllocatorOptions
  /** ms */
  during: number
  /** The most ports to have out at once. */
  atOnce: number
  /** How many slices to lease one after the other and keep; without it, each slice is leased only for a moment. */
  growTo?: number
  /** Where to note which port was out when. */
  notes: string
}

export interface Done {
  handOuts: number
  warnings: string[]
}

const { options, during, atOnce, growTo, notes } = readPlan<Plan>()
const warnings = collectWarnings()
const recorder = new Recorder(notes)
onWords({ end: () => process.exit() })

const allocator = await createAllocator(options)
const end = performance.now() + during
let handOuts = 0

async function use(lease: PortLease): Promise<void> {
  const { port } = lease
  const recordRelease = recorder.recordTake(port)
  await sleep(Math.random() * 60)
  const server = net.createServer().listen({ port, exclusive: true })
  await once(server, 'listening') // Throws EADDRINUSE if another process has the port.
  server.close()
  await once(server, 'close')
  recordRelease()
  handOuts++
  await lease.release()
}

async function takeOneAfterTheOther(): Promise<void> {
  while (performance.now() < end) {
    await use(await allocator.take({ label: 'for a while' }))
  }
}

/** More ports than one slice has, so slices are leased and given back repeatedly. */
async function takeManyNowAndThen(): Promise<void> {
  while (performance.now() < end) {
    await sleep(Math.random() * 400)
    await using more = await createAllocator(options)
    const leases = await more.takeMany(33)
    await Promise.all(leases.map(use))
  }
}

/** Needs one slice more each time, and keeps them. */
async function takeMoreEachTime(slices: number): Promise<void> {
  for (let count = 30; performance.now() < end; count += 30) {
    await sleep(during / slices)
    const leases = await allocator.takeMany(count)
    await Promise.all(leases.map(use))
  }
}

say('started')
const more = growTo ? takeMoreEachTime(growTo) : takeManyNowAndThen()
await Promise.all([more, ...Array.from({ length: atOnce }, takeOneAfterTheOther)])
await allocator.close()
say({ handOuts, warnings } satisfies Done)
process.exit()
