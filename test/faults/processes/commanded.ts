/**
 * A process that does what it is told over its message channel, one command at a time, and
 * notes every port it has. Argument: the file for the notes. See `start-commanded.ts`.
 */
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator, type PortAllocator } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'
import { freeDescriptors, startProcess, useUpDescriptors } from './poverty.ts'

export type Command =
  /** Makes so many allocators at once, at the given time of the monotonic clock (ns). */
  | { do: 'open'; options: AllocatorOptions; count?: number; at?: string }
  | { do: 'take'; count: number; key?: string }
  /** One after the other until there is none. */
  | { do: 'take all' }
  /** Serves on every port it has, as an app would, and stops again. */
  | { do: 'serve' }
  | { do: 'release' }
  | { do: 'close' }
  /** Leases a slice, has some ports for a moment, gives all back, and again, until told to stop. */
  | { do: 'churn'; options: AllocatorOptions }
  | { do: 'stop churning' }
  /** Opens files until the system refuses, and closes so many of them again. */
  | { do: 'use up descriptors'; but: number }
  | { do: 'free descriptors' }
  | { do: 'start a process' }

export interface Opened {
  slices: number[]
  /** ms */
  took: number
}

export interface Churned {
  handOuts: number
  /** How often there was no slice in time. */
  refusals: number
}

const recorder = new Recorder(process.argv[2] as string)
let allocators: PortAllocator[] = []
let out: { port: number; giveBack: () => Promise<void> }[] = []
let churning: Promise<Churned> | undefined
let isToChurn = false
/** When the allocators of the last `open` were asked for, ns as text. */
let openedAt: string | undefined

async function open(options: AllocatorOptions, count: number, at?: string): Promise<Opened> {
  // Spinning is the only way to be there at the very microsecond.
  if (at !== undefined) while (process.hrtime.bigint() < BigInt(at));
  openedAt = String(process.hrtime.bigint())
  const start = performance.now()
  const made = await Promise.all(Array.from({ length: count }, () => createAllocator(options)))
  const took = performance.now() - start
  allocators.push(...made)
  return { slices: made.flatMap(({ slices }) => slices.map(({ first }) => first)), took }
}

async function take(allocator: PortAllocator, count: number, key?: string) {
  const leases = await allocator.takeMany(count, { label: 'chaos', ...(key && { key }) })
  return leases.map((lease) => {
    const back = recorder.out(lease.port)
    return {
      port: lease.port,
      giveBack: async () => {
        back()
        await lease.release()
      },
    }
  })
}

async function serve(port: number): Promise<void> {
  const server = net.createServer().listen({ port, exclusive: true })
  await once(server, 'listening')
  server.close()
  await once(server, 'close')
}

async function churn(options: AllocatorOptions): Promise<Churned> {
  const churned = { handOuts: 0, refusals: 0 }
  while (isToChurn) {
    try {
      await using allocator = await createAllocator(options)
      for (let i = 0; i < 3 && isToChurn; i++) {
        const taken = await take(allocator, 2)
        churned.handOuts += taken.length
        await sleep(Math.random() * 10)
        await Promise.all(taken.map(({ port }) => serve(port)))
        await Promise.all(taken.map(({ giveBack }) => giveBack()))
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') throw error
      churned.refusals++
    }
  }
  return churned
}

async function takeAll(): Promise<number[]> {
  const before = out.length
  try {
    for (;;) out.push(...(await take(allocators[0] as PortAllocator, 1)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') throw error
  }
  return out.slice(before).map(({ port }) => port)
}

async function obey(command: Command): Promise<unknown> {
  switch (command.do) {
    case 'open':
      return open(command.options, command.count ?? 1, command.at)
    case 'take': {
      const each = allocators.map((allocator) => take(allocator, command.count, command.key))
      const taken = (await Promise.all(each)).flat()
      out.push(...taken)
      return taken.map(({ port }) => port)
    }
    case 'take all':
      return takeAll()
    case 'serve':
      await Promise.all(out.map(({ port }) => serve(port)))
      return out.length
    case 'release':
      await Promise.all(out.map(({ giveBack }) => giveBack()))
      out = []
      return undefined
    case 'close':
      await obey({ do: 'release' })
      await Promise.all(allocators.map((allocator) => allocator.close()))
      allocators = []
      return undefined
    case 'churn':
      isToChurn = true
      churning = churn(command.options)
      // What goes wrong is told when it is asked how it went.
      churning.catch(() => {})
      return undefined
    case 'stop churning':
      isToChurn = false
      return churning
    case 'use up descriptors':
      return useUpDescriptors(command.but)
    case 'free descriptors':
      return freeDescriptors()
    case 'start a process':
      return startProcess()
  }
}

process.on('message', async ({ id, command }: { id: number; command: Command }) => {
  try {
    process.send?.({ id, value: await obey(command), openedAt })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    process.send?.({ id, failure: { message, code }, openedAt })
  }
})
// Whoever gave the commands has gone.
process.on('disconnect', () => process.exit())
// Node starts the threads for files on first use, which a limit of processes would forbid too.
await stat('.')
process.send?.('ready')
