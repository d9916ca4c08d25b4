/**
 * Calls portslice as it is told: a line of JSON on stdin, answered by one on stdout. Ends when
 * stdin does. See `tests/obedient.ts`.
 */
import { createInterface } from 'node:readline'
import {
  type AllocatorOptions,
  type ClaimOptions,
  claimPort,
  createAllocator,
  namedPort,
  type PortAllocator,
  type PortLease,
  type TakeOptions,
} from '@portslice/core'

export type Command =
  | { do: 'open'; options: AllocatorOptions }
  | { do: 'take'; count: number; options?: TakeOptions }
  | { do: 'take block'; count: number }
  | { do: 'claim'; port: number | number[]; options?: ClaimOptions }
  | { do: 'claim all'; ports: number[]; options?: ClaimOptions }
  | { do: 'name'; name: string; options?: AllocatorOptions }
  | { do: 'release'; ports?: number[] }
  | { do: 'close' }
  /** Answers, and then blocks the event loop. */
  | { do: 'block'; ms: number }
  | { do: 'become a normal user' }

export interface Answer {
  ports?: number[]
  /** How long it took, in ms. */
  took: number
  error?: { code?: string; message: string }
}

const warnings: string[] = []
process.on('warning', ({ name, message }) => warnings.push(`${name}: ${message}`))

let allocator: PortAllocator | undefined
const leases = new Map<number, PortLease>()

function keep(taken: readonly PortLease[]): number[] {
  for (const lease of taken) leases.set(lease.port, lease)
  return taken.map(({ port }) => port)
}

async function obey(command: Command): Promise<number[]> {
  switch (command.do) {
    case 'open':
      allocator = await createAllocator(command.options)
      return []
    case 'take':
      return keep(await (allocator as PortAllocator).takeMany(command.count, command.options))
    case 'take block':
      return keep(await (allocator as PortAllocator).takeBlock(command.count))
    case 'claim':
      return keep([await claimPort(command.port, command.options)])
    case 'claim all': {
      const { claimPorts } = await import('@portslice/core')
      return keep(await claimPorts(command.ports, command.options))
    }
    case 'name':
      return [await namedPort(command.name, command.options)]
    case 'release': {
      const ports = command.ports ?? [...leases.keys()]
      await Promise.all(ports.map((port) => leases.get(port)?.release()))
      for (const port of ports) leases.delete(port)
      return []
    }
    case 'close':
      await allocator?.close()
      return []
    case 'block':
      setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, command.ms))
      return []
    case 'become a normal user':
      process.setgid?.(65_534)
      process.setuid?.(65_534)
      return []
  }
}

function say(what: unknown): void {
  process.stdout.write(`${JSON.stringify(what)}\n`)
}

const lines = createInterface(process.stdin)
lines.on('line', async (line) => {
  const start = performance.now()
  const answer = await obey(JSON.parse(line) as Command).then(
    (ports) => ({ ports }),
    (error: NodeJS.ErrnoException) => ({ error: { code: error.code, message: error.message } }),
  )
  say({ ...answer, took: performance.now() - start, warnings })
})
lines.on('close', () => process.exit())
say({ pid: process.pid })
