import path from 'node:path'
import { NetworkNamespace } from '../../support/namespaces.ts'
import type { Fault, Outcome } from '../fault.ts'
import { startAllocator } from '../fault-processes.ts'
import { ForeignProgram } from '../foreign-program.ts'
import type { Binding } from '../processes/bind-on-command.ts'

const WHOLE_RANGE = { 'ipv4/ip_local_port_range': '1024 65535' }
const NO_IPV6 = { 'ipv6/conf/all/disable_ipv6': '1', 'ipv6/conf/lo/disable_ipv6': '1' }
const IPV6_ALONE = { 'ipv6/bindv6only': '1' }
/** Sockets that a foreign program opens at once. */
const BATCH = 400
const ALL = { first: 1, last: 65_535 }

type Network = Readonly<Record<string, string>>

async function make(settings: Network): Promise<NetworkNamespace | string> {
  const network = await NetworkNamespace.make()
  if (typeof network === 'string') return network
  for (const [name, value] of Object.entries(settings)) {
    try {
      await network.set(name, value)
    } catch (error) {
      await network[Symbol.asyncDispose]()
      return `${name} cannot be set (${(error as Error).message.trim().split('\n').at(-1)})`
    }
  }
  return network
}

export const ephemeralEverywhere: Fault = {
  fault: 'the OS hands out every port from 1024 up by itself',
  provoked:
    'ip_local_port_range is 1024–65535, as met in the wild; a process has ports out that no app has bound, while another calls bind(0) and connects thousands of times',
  must: 'the TIME_WAIT guard keeps each of these ports from it, and the app can bind them all',
  async run({ short, folder }): Promise<Outcome> {
    const [ports, batches] = short ? [150, 5] : [600, 40]
    const network = await make(WHOLE_RANGE)
    if (typeof network === 'string') return { skipped: network }
    await using stack = new AsyncDisposableStack()
    stack.use(network)
    const foreign = stack.use(new ForeignProgram({ by: network.by }))
    const hits = { guarded: 0, unguarded: 0 }
    let asked = 0
    const broken: string[] = []
    // Without the guard the OS must choose some of them; otherwise this would prove nothing.
    for (const timeWaitGuard of ['auto', 'never'] as const) {
      await using worker = await startAllocator(folder, { by: network.by })
      const lockDirectory = path.join(folder, 'locks')
      await worker.open({ lockDirectory, timeWaitGuard })
      const out = new Set(await worker.take(ports))
      for (let batch = 0; batch < batches; batch++) {
        const given = [
          ...(await foreign.command({ do: 'bind any', count: BATCH, ...ALL })),
          ...(await foreign.command({ do: 'connect', count: BATCH / 4 })),
        ]
        await foreign.command({ do: 'close' })
        const hit = given.filter((port) => out.has(port))
        hits[timeWaitGuard === 'auto' ? 'guarded' : 'unguarded'] += hit.length
        if (timeWaitGuard === 'auto') {
          asked += given.length
          if (hit.length > 0) broken.push(`The OS gave away ${hit}.`)
        }
      }
      if (timeWaitGuard === 'auto') await worker.command({ do: 'serve' })
    }
    if (!short && hits.unguarded === 0) {
      broken.push('Without the guard none was hit either, so this proves nothing.')
    }
    return {
      times: asked,
      observed: `the OS gave away ${hits.guarded} of ${ports} guarded ports in ${asked} attempts, and ${hits.unguarded} times one without the guard; all guarded ones could be bound`,
      broken,
    }
  },
}

/** Ports of the first slice from 20000, with what binds them. */
const LISTENERS: readonly Binding[] = [
  { port: 20_000, host: '127.0.0.1' },
  { port: 20_001, host: '0.0.0.0' },
  { port: 20_002, host: '127.0.0.1', udp: true },
  { port: 20_003, host: '0.0.0.0', udp: true },
]
const IPV6_LISTENERS: readonly Binding[] = [
  { port: 20_004, host: '::1' },
  { port: 20_005, host: '::' },
  { port: 20_006, host: '::1', udp: true },
  { port: 20_007, host: '::', udp: true },
]

export const unusualNetworks: Fault = {
  fault: 'IPv6 is off; or kept apart from IPv4; and no interface but loopback is up',
  provoked:
    'networks with disable_ipv6=1, with bindv6only=1 and with neither, in which other programs listen',
  must: 'exactly the ports of a slice without a listener are handed out',
  async run({ folder }): Promise<Outcome> {
    const broken: string[] = []
    const seen: string[] = []
    for (const [name, settings] of Object.entries({
      'no IPv6': NO_IPV6,
      bindv6only: IPV6_ALONE,
      plain: {},
    })) {
      const network = await make(settings)
      if (typeof network === 'string') return { skipped: network }
      await using stack = new AsyncDisposableStack()
      stack.use(network)
      const foreign = stack.use(new ForeignProgram({ by: network.by }))
      const what = settings === NO_IPV6 ? LISTENERS : [...LISTENERS, ...IPV6_LISTENERS]
      await foreign.command({ do: 'bind', what })
      const worker = stack.use(await startAllocator(folder, { by: network.by }))
      const lockDirectory = path.join(folder, `locks-${seen.length}`)
      await worker.open({ lockDirectory, range: [20_000, 20_031], waitTimeout: 0 })
      const { ports: out } = await worker.command({ do: 'take all' })
      await worker.command({ do: 'serve' })
      const expected = 31 - what.length
      const wrong = what.filter(({ port }) => out.includes(port))
      if (wrong.length > 0) broken.push(`${name}: ${JSON.stringify(wrong)} were handed out.`)
      if (out.length !== expected) broken.push(`${name}: ${out.length} ports, not ${expected}.`)
      seen.push(`${name}: ${out.length} handed out, ${what.length - wrong.length} skipped`)
    }
    return { times: seen.length, observed: seen.join('; '), broken }
  },
}
