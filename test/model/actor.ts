/** A process of the model test: does what it is told, and answers. */
import { once } from 'node:events'
import net from 'node:net'
import {
  type AllocatorOptions,
  createAllocator,
  type PortAllocator,
  type PortLease,
} from '@portslice/core'

export type Command =
  | { do: 'open'; options: AllocatorOptions }
  | { do: 'take'; key?: string }
  | { do: 'release' | 'bind' | 'unbind'; port: number }
  | { do: 'block'; ms: number }
  | { do: 'close' | 'exit' }

export interface Answer {
  id: number
  port?: number
  leaked?: boolean
  /** The code of a PortsliceError. */
  refused?: string
  /** Any other error: always wrong. */
  failed?: string
}

let allocator: PortAllocator | undefined
const leases = new Map<number, PortLease>()
const servers = new Map<number, net.Server>()

async function obey(command: Command): Promise<Omit<Answer, 'id'>> {
  switch (command.do) {
    case 'open':
      allocator = await createAllocator(command.options)
      return {}
    case 'take': {
      const options = command.key === undefined ? {} : { key: command.key }
      const lease = await (allocator as PortAllocator).take(options)
      leases.set(lease.port, lease)
      return { port: lease.port }
    }
    case 'release': {
      const lease = leases.get(command.port) as PortLease
      leases.delete(command.port)
      return lease.release()
    }
    case 'bind': {
      const server = net.createServer().listen(command.port)
      await once(server, 'listening')
      servers.set(command.port, server)
      return {}
    }
    case 'unbind': {
      const server = servers.get(command.port) as net.Server
      servers.delete(command.port)
      server.close()
      await once(server, 'close')
      return {}
    }
    case 'block':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, command.ms)
      return {}
    case 'close':
      await (allocator as PortAllocator).close()
      return {}
    case 'exit':
      return process.exit()
  }
}

process.on('message', async ({ id, command }: { id: number; command: Command }) => {
  const answer = await obey(command).catch((error) =>
    String(error.code).startsWith('ERR_PORTSLICE_')
      ? { refused: error.code as string }
      : { failed: String(error.stack) },
  )
  process.send?.({ id, ...answer })
})
process.on('disconnect', () => process.exit())
