/** Sources of ports, used as in their readmes. Loads only the one in use. */
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

export interface Taken {
  port: number
  release(): Promise<unknown>
}

export type Take = () => Promise<Taken>

/** The range of get-port's readme, made larger so that there are always free ports. */
const FIRST = 3000
const COUNT = 1000

/** These ports need no release. */
const release = async () => {}

export const SOURCES = {
  async portslice(): Promise<Take> {
    const { createAllocator } = await import('@portslice/core')
    const allocator = await createAllocator()
    return () => allocator.take()
  },
  async 'get-port'(): Promise<Take> {
    const { default: getPort } = await import('get-port')
    return async () => ({ port: await getPort(), release })
  },
  async 'get-port, a range'(): Promise<Take> {
    const { default: getPort, portNumbers } = await import('get-port')
    const range = () => portNumbers(FIRST, FIRST + COUNT - 1)
    return async () => ({ port: await getPort({ port: range() }), release })
  },
  async 'bare listen(0)'(): Promise<Take> {
    let times = 0
    return async () => {
      const server = net.createServer().listen(0)
      await once(server, 'listening')
      const { port } = server.address() as AddressInfo
      server.close()
      // The handle is closed in the next turn of the event loop.
      if (++times % 16 === 0) await nextTurn()
      return { port, release }
    }
  },
  async portfinder(): Promise<Take> {
    const { getPortPromise } = await import('portfinder')
    return async () => ({ port: await getPortPromise(), release })
  },
  async 'detect-port'(): Promise<Take> {
    const { detectPort } = await import('detect-port')
    return async () => ({ port: await detectPort(FIRST), release })
  },
  async 'get-port-please'(): Promise<Take> {
    const { getPort } = await import('get-port-please')
    return async () => ({ port: await getPort(), release })
  },
  async 'random in a range'(): Promise<Take> {
    return async () => ({ port: FIRST + Math.floor(Math.random() * COUNT), release })
  },
} satisfies Record<string, () => Promise<Take>>

export type Source = keyof typeof SOURCES
