/** Calls portslice on command, and records every port it has. Argument: the file for the record, or ''. */
import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  type AllocatorOptions,
  type ClaimOptions,
  claimPort,
  claimPorts,
  createAllocator,
  namedPort,
  type PortAllocator,
  type PortLease,
  type TakeOptions,
} from '@portslice/core'
import { Recorder } from '../intervals.ts'
import { answerCommands } from '../script.ts'
import { freeDescriptors, tryToStartProcess, useUpDescriptors } from './use-up.ts'

export type Command =
  /** Creates this number of allocators at the same time, at the given time of the monotonic clock (ns). */
  | { do: 'open'; options: AllocatorOptions; count?: number; at?: string }
  | { do: 'take'; count: number; options?: TakeOptions }
  | { do: 'take block'; count: number }
  /** Takes one port after the other until none is available. */
  | { do: 'take all' }
  | { do: 'claim'; port: number | number[]; options?: ClaimOptions }
  | { do: 'claim all'; ports: number[]; options?: ClaimOptions }
  | { do: 'name'; name: string; options?: AllocatorOptions }
  /** Listens on every port it has, as an app would, and stops again. */
  | { do: 'serve' }
  | { do: 'bind' | 'unbind'; port: number }
  /** Default: all ports. */
  | { do: 'release'; ports?: number[] }
  | { do: 'close' }
  /** Answers, and then blocks the event loop. */
  | { do: 'block'; ms: number }
  /** Only answers. */
  | { do: 'nothing' }
  | { do: 'exit' }
  /** Repeatedly leases a slice, takes some ports and gives everything back, until stopped. */
  | { do: 'churn'; options: AllocatorOptions }
  | { do: 'stop churning' }
  /** Opens files until the system refuses, then closes this number of them. */
  | { do: 'use up descriptors'; but: number }
  | { do: 'free descriptors' }
  | { do: 'start a process' }
  | { do: 'become a normal user' }

/** The result of a command; fields that do not apply are missing. */
export interface Result {
  ports?: number[]
  /** The first ports of slices that were leased. */
  slices?: number[]
  /** How long it took, in ms. */
  took?: number
  leaked?: boolean
  handOuts?: number
  /** How often no slice was free in time. */
  refusals?: number
  /** The error of the operating system, or ''. */
  systemError?: string
}

const [, , record = ''] = process.argv
const recorder = record === '' ? undefined : new Recorder(record)
const servers = new Map<number, net.Server>()
const taken = new Map<number, { lease: PortLease; recordRelease: (() => void) | undefined }>()
const allocators: PortAllocator[] = []
let churning: Promise<Result> | undefined
let isToChurn = false
/** When allocators were asked for last, ns. */
let openedAt = '0'

async function open(options: AllocatorOptions, count: number, at?: string): Promise<Result> {
  // Only a busy loop is on time to the microsecond.
  if (at !== undefined) while (process.hrtime.bigint() < BigInt(at));
  openedAt = String(process.hrtime.bigint())
  const start = performance.now()
  const made = await Promise.all(Array.from({ length: count }, () => createAllocator(options)))
  allocators.push(...made)
  const slices = made.flatMap((each) => each.slices.map(({ first }) => first))
  return { slices, took: performance.now() - start }
}

function keep(leases: readonly PortLease[]): Result {
  for (const lease of leases)
    taken.set(lease.port, { lease, recordRelease: recorder?.recordTake(lease.port) })
  return { ports: leases.map(({ port }) => port) }
}

async function release(port: number): Promise<boolean> {
  const { lease, recordRelease } = taken.get(port) ?? {}
  taken.delete(port)
  recordRelease?.()
  return (await lease?.release())?.leaked ?? false
}

async function listen(port: number): Promise<net.Server> {
  const server = net.createServer().listen({ port, exclusive: true })
  await once(server, 'listening')
  return server
}

async function close(server: net.Server | undefined): Promise<void> {
  if (!server) return
  server.close()
  await once(server, 'close')
}

const serve = async (port: number) => close(await listen(port))

function isExhausted(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ERR_PORTSLICE_RANGE_EXHAUSTED'
}

/** A program of this machine that does not use the coordinator has the port. */
function isInUse(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EADDRINUSE'
}

async function takeAll(): Promise<Result> {
  const ports: number[] = []
  try {
    for (;;) {
      const lease = await (allocators[0] as PortAllocator).take()
      ports.push(...(keep([lease]).ports ?? []))
    }
  } catch (error) {
    if (!isExhausted(error)) throw error
  }
  return { ports }
}

async function churn(options: AllocatorOptions): Promise<Result> {
  const churned = { handOuts: 0, refusals: 0 }
  while (isToChurn) {
    try {
      await using allocator = await createAllocator(options)
      for (let i = 0; i < 3 && isToChurn; i++) {
        const { ports = [] } = keep(await allocator.takeMany(2))
        churned.handOuts += ports.length
        await sleep(Math.random() * 10)
        try {
          await Promise.all(ports.map(serve))
        } finally {
          // Recorded before the allocator gives them back.
          await Promise.all(ports.map(release))
        }
      }
    } catch (error) {
      if (!isExhausted(error) && !isInUse(error)) throw error
      churned.refusals++
    }
  }
  return churned
}

async function carryOut(command: Command): Promise<Result> {
  switch (command.do) {
    case 'open':
      return open(command.options, command.count ?? 1, command.at)
    case 'take': {
      const { count, options } = command
      return keep(
        (await Promise.all(allocators.map((each) => each.takeMany(count, options)))).flat(),
      )
    }
    case 'take block':
      return keep(await (allocators[0] as PortAllocator).takeBlock(command.count))
    case 'take all':
      return takeAll()
    case 'claim':
      return keep([await claimPort(command.port, command.options)])
    case 'claim all':
      return keep(await claimPorts(command.ports, command.options))
    case 'name':
      return { ports: [await namedPort(command.name, command.options)] }
    case 'serve':
      await Promise.all([...taken.keys()].map(serve))
      return {}
    case 'bind':
      servers.set(command.port, await listen(command.port))
      return {}
    case 'unbind':
      await close(servers.get(command.port))
      servers.delete(command.port)
      return {}
    case 'release': {
      const released = await Promise.all((command.ports ?? [...taken.keys()]).map(release))
      return { leaked: released.some(Boolean) }
    }
    case 'close':
      for (const { recordRelease } of taken.values()) recordRelease?.()
      taken.clear()
      await Promise.all(allocators.splice(0).map((each) => each.close()))
      return {}
    case 'block':
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, command.ms))
      return {}
    case 'nothing':
      return {}
    case 'exit':
      return process.exit()
    case 'churn':
      isToChurn = true
      churning = churn(command.options)
      churning.catch(() => {}) // Told when it is asked how it went.
      return {}
    case 'stop churning':
      isToChurn = false
      return churning ?? {}
    case 'use up descriptors':
      useUpDescriptors(command.but)
      return {}
    case 'free descriptors':
      freeDescriptors()
      return {}
    case 'start a process':
      return { systemError: await tryToStartProcess() }
    case 'become a normal user':
      process.setgid?.(65_534)
      process.setuid?.(65_534)
      return {}
  }
}

// Node starts the threads for files on first use, which a limit of processes would forbid later.
await stat('.')
answerCommands(carryOut, () => ({ openedAt }))
