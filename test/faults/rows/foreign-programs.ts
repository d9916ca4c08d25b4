import { readFileSync } from 'node:fs'
import path from 'node:path'
import type { Failure } from '../../support/allocator-process.ts'
import { ownSlices } from '../../support/own-slices.ts'
import type { Fault } from '../fault.ts'
import { startAllocator } from '../fault-processes.ts'
import { ForeignProgram } from '../foreign-program.ts'
import type { Binding } from '../processes/bind-on-command.ts'

/** A listener on any of these must keep a port from being handed out. */
type Way = Omit<Binding, 'port'>
const WAYS: readonly Way[] = [
  { host: '127.0.0.1' },
  { host: '0.0.0.0' },
  { host: '::' },
  { host: '127.0.0.2' },
  { host: '127.0.0.1', udp: true },
  { host: '0.0.0.0', udp: true },
  { host: '::', udp: true },
]
/** Of sockets that the OS places, some land among the ports of eight slices. */
const SOCKETS_AT_ONCE = 400
const MOST_ATTEMPTS = 20

export const foreignPrograms: Fault = {
  fault: 'a program that does not use portslice binds ports in the range',
  provoked:
    'a process binds ports by number, on seven kinds of address; others through bind(0), in slices of the ephemeral range',
  must: 'its ports are skipped while it has them, and handed out when it has gone',
  async run({ short, folder }) {
    const rounds = short ? 1 : 25
    const broken: string[] = []
    let [byNumber, byTheOs, handedOut] = [0, 0, 0]
    await using foreign = new ForeignProgram()
    await using worker = await startAllocator(folder)
    const all = async (range: readonly [number, number], serve: boolean) => {
      const lockDirectory = path.join(folder, 'locks')
      await worker.open({ range, lockDirectory, waitTimeout: 0 })
      const { ports } = await worker.command({ do: 'take all' })
      if (serve) await worker.command({ do: 'serve' })
      await worker.command({ do: 'close' })
      return ports
    }
    const expectSame = (what: string, found: number[], expected: number[]) => {
      const [more, missing] = [without(found, expected), without(expected, found)]
      handedOut += more.length
      if (more.length > 0) broken.push(`${what}: ${more} were handed out.`)
      if (missing.length > 0) broken.push(`${what}: ${missing} were not handed out.`)
    }

    for (let round = 0; round < rounds; round++) {
      await using slices = await ownSlices(2)
      const usual = await all(slices.range, false)
      const theirs = usual.filter(() => Math.random() < 0.4)
      const what = theirs.map((port, i) => ({ ...(WAYS[i % WAYS.length] as Way), port }))
      await foreign.command({ do: 'bind', what })
      expectSame('While bound by number', await all(slices.range, true), without(usual, theirs))
      await foreign.command({ do: 'close' })
      expectSame('After that', await all(slices.range, true), usual)
      byNumber += theirs.length
    }

    for (let round = 0; round < rounds; round++) {
      await using slices = await ownSlices(8, ephemeralRange())
      const [first, last] = slices.range
      const theirs: number[] = []
      for (let i = 0; i < MOST_ATTEMPTS && theirs.length < 5; i++) {
        theirs.push(
          ...(await foreign.command({ do: 'bind any', count: SOCKETS_AT_ONCE, first, last })),
        )
      }
      // Other programs on this machine get such ports as well, so only those of the foreign program count.
      const wrong = intersection(await all(slices.range, true), theirs)
      handedOut += wrong.length
      if (wrong.length > 0) broken.push(`While the OS had given them away: ${wrong} handed out.`)
      await foreign.command({ do: 'close' })
      let lost = theirs
      for (let i = 0; i < MOST_ATTEMPTS && lost.length > 0; i++) {
        lost = without(lost, await all(slices.range, false))
      }
      if (lost.length > 0) broken.push(`After that: ${lost} were not handed out.`)
      byTheOs += theirs.length
    }
    return {
      times: byNumber + byTheOs,
      observed: `${handedOut || 'none'} of ${byNumber} ports bound by number and ${byTheOs} given by the OS handed out; all came back`,
      broken,
    }
  },
}

export const foreignProgramOnSentinel: Fault = {
  fault: 'a program that does not use portslice holds a sentinel',
  provoked: 'a process binds the UDP port of the sentinel, on three kinds of address',
  must: 'the slice is skipped, and leased once the program has gone',
  async run({ short, folder }) {
    const rounds = short ? 3 : 30
    const broken: string[] = []
    const waits: number[] = []
    await using worker = await startAllocator(folder)
    for (let round = 0; round < rounds; round++) {
      await using slices = await ownSlices(2)
      await using foreign = new ForeignProgram()
      const [first, last] = slices.range
      const host = ['127.0.0.1', '0.0.0.0', '::'][round % 3] as string
      await foreign.command({ do: 'bind', what: [{ port: first + 31, host, udp: true }] })

      const lockDirectory = path.join(folder, 'locks')
      const { slices: leased } = await worker.open({ range: [first, last], lockDirectory })
      if (leased[0] !== first + 32) broken.push(`On ${host}: it leased ${leased}.`)
      await worker.command({ do: 'close' })
      const alone = { range: [first, first + 31] as const, lockDirectory }
      const refused = await worker
        .open({ ...alone, waitTimeout: 100 })
        .catch((error: Failure) => error.code)
      if (refused !== 'ERR_PORTSLICE_RANGE_EXHAUSTED') broken.push(`On ${host}: ${refused}.`)

      const waiting = worker.open({ ...alone, waitTimeout: 30_000 })
      const start = performance.now()
      await foreign[Symbol.asyncDispose]()
      await waiting
      waits.push(performance.now() - start)
      await worker.command({ do: 'close' })
    }
    return {
      times: rounds,
      observed: `skipped each time, and leased at most ${Math.max(...waits).toFixed(0)} ms after the program had been killed`,
      broken,
    }
  },
}

function ephemeralRange(): [number, number] {
  try {
    const text = readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8')
    const [first, last] = text.trim().split(/\s+/).map(Number) as [number, number]
    return [Math.ceil(Math.max(first, 10_000) / 32) * 32, last]
  } catch {
    return [49_152, 65_535]
  }
}

const without = (ports: number[], those: number[]) => ports.filter((port) => !those.includes(port))
const intersection = (ports: number[], those: number[]) =>
  ports.filter((port) => those.includes(port))
