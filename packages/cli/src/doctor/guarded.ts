/** Ports that can be in use without a listener: given away by the kernel, connected, or redirected. */
import net from 'node:net'
import {
  type ClaimStatus,
  type EphemeralRange,
  ephemeralRange,
  formatRanges,
  guardWithTimeWait,
  isListening,
  listClaims,
  listeningPorts,
  mayBeRedirected,
  type PortUse,
  portsOf,
  probePort,
  type ResolvedOptions,
  sentinelOf,
  slicesIn,
  type TimeWaitGuard,
  tryToHoldUdpPort,
  usesOfPort,
} from '@portslice/core/internal/inspect'
import { claimantText } from '../list/holder.js'
import { ownerText } from '../map/owners.js'
import type { Finding } from './finding.js'
import { readSetting } from './system.js'

/** Slices of the ephemeral range in which a free port is looked for. */
const SLICES_TO_TRY = 8
/** Ports tried at one time: two sockets each, well below the usual limit of 1024 files. */
const PORTS_AT_ONCE = 128
/** On loopback, where a rule may drop the packets. */
const CONNECT_TIMEOUT_MS = 500
/** Ports named in a message; the rest are counted. */
const NAMED = 12

/** Whether the kernel can be kept from giving away ports of its own range. Guards one, for 60 s. */
export async function timeWaitFinding({ slices }: ResolvedOptions): Promise<Finding | undefined> {
  if (process.platform !== 'linux') return undefined
  const ephemeral = ephemeralRange()
  const inside = slices.filter(
    (slice) => slice <= ephemeral.last && sentinelOf(slice) >= ephemeral.first,
  )
  const canSee = (await listeningPorts()) !== undefined
  const guard = canSee ? await tryGuard(ephemeral) : 'unknown'
  return describeGuard(guard, inside.length, slices.length, ephemeral)
}

/**
 * @param guard `undefined` if no port could be tried
 * @param inside slices of the range that are ephemeral, of `total`
 */
export function describeGuard(
  guard: TimeWaitGuard | 'unknown' | undefined,
  inside: number,
  total: number,
  ephemeral: EphemeralRange,
  buckets: string | undefined = readSetting('ipv4/tcp_max_tw_buckets'),
): Finding | undefined {
  const range = formatRanges([ephemeral])
  if (guard === undefined || guard === 'taken') return undefined
  if (guard === 'guarded') {
    return {
      id: 'time-wait',
      level: 'ok',
      message: `A port of ${range} can be kept from the system for 60 s, by TIME_WAIT.`,
    }
  }
  if (guard === 'unknown') {
    return {
      id: 'time-wait',
      level: 'note',
      message: `Whether TIME_WAIT keeps ports of ${range} from the system cannot be seen, as /proc/net cannot be read.`,
      advice: `Use no ports of ${range}, or let this process read /proc/net.`,
    }
  }
  const affected =
    inside > 0 ? `${inside} of ${total} slices are there, and so may be claimed ports.` : ''
  return {
    id: 'time-wait',
    level: inside === total ? 'problem' : 'note',
    message: [
      `TIME_WAIT has no effect here: net.ipv4.tcp_max_tw_buckets is ${buckets ?? 'unknown'}. The system may give a port of ${range} to an outgoing connection before the app binds it.`,
      affected || 'The range that ports are leased from is outside; claimed ports may be inside.',
    ].join(' '),
    advice: `Lease and claim no ports of ${range}, or raise the setting: sysctl -w net.ipv4.tcp_max_tw_buckets=262144`,
  }
}

/** Tries other slices in each process, as a guarded port stays so for a minute. */
async function tryGuard(ephemeral: EphemeralRange): Promise<TimeWaitGuard | undefined> {
  const slices = slicesIn(ephemeral)
  for (let i = 0; i < Math.min(SLICES_TO_TRY, slices.length); i++) {
    const slice = slices[(process.pid + i) % slices.length] as number
    const sentinel = await tryToHoldUdpPort(sentinelOf(slice))
    if (sentinel.state !== 'held') continue
    try {
      for (const port of portsOf(slice)) {
        if ((await probePort(port)).state !== 'free') continue
        const guard = await guardWithTimeWait(port)
        if (guard !== 'taken') return guard
      }
    } finally {
      await sentinel.held.close()
    }
  }
  return undefined
}

/** Claimed ports that an outgoing connection has: nothing listens, and still no app can bind them. */
export async function claimsFinding(): Promise<Finding | undefined> {
  const claims = await listClaims()
  const uses = await Promise.all(claims.map(({ port }) => usesOfPort(port)))
  return describeClaims(claims, uses)
}

/** @param uses of each claimed port; `undefined` where they cannot be told */
export function describeClaims(
  claims: readonly ClaimStatus[],
  uses: readonly (readonly PortUse[] | undefined)[],
): Finding | undefined {
  if (claims.length === 0) return undefined
  if (uses.includes(undefined)) {
    return {
      id: 'claims',
      level: 'note',
      message: `${claims.length} ports are claimed. Whether connections of other programs have them cannot be told, as /proc/net cannot be read.`,
      advice: 'Let this process read /proc/net.',
    }
  }
  const connected = claims.flatMap((claim, at) => {
    const found = uses[at] ?? []
    // Connections to a server have its port, too.
    if (found.some(({ kind }) => kind === 'listener')) return []
    const connection = found.find(({ kind }) => kind === 'connection')
    return connection ? [connectionText(claim, connection)] : []
  })
  if (connected.length === 0) return undefined
  return {
    id: 'claims',
    level: 'note',
    message: `${connected.join('. ')}. An app cannot bind such a port before the connection has ended.`,
    advice: `End the program that has the connection, or claim a port outside of ${formatRanges([ephemeralRange()])}, which the system gives to connections.`,
  }
}

function connectionText(claim: ClaimStatus, { remote, owners }: PortUse): string {
  const [owner] = owners
  const whose = owner ? ownerText(owner) : 'a process that cannot be told'
  return `Port ${claim.port} is claimed by ${claimantText(claim)}, and a connection to ${remote ?? 'an unknown address'} of ${whose} has it`
}

/** Ports in the range of Kubernetes' NodePorts on which something answers without a socket. */
export async function redirectedFinding({ slices }: ResolvedOptions): Promise<Finding | undefined> {
  const candidates = slices.flatMap(portsOf).filter(mayBeRedirected)
  if (candidates.length === 0) return undefined
  const listening = await listeningPorts()
  if (!listening) {
    return {
      id: 'redirected-ports',
      level: 'note',
      message:
        'Whether ports of 30000-32767 are redirected, as those of Kubernetes are, cannot be told, as /proc/net cannot be read. A port there is tried by a connection before it is handed out.',
    }
  }
  const redirected = await filterRedirected(candidates.filter((port) => !listening.has(port)))
  if (redirected.length === 0) return undefined
  const more = redirected.length - NAMED
  return {
    id: 'redirected-ports',
    level: 'note',
    message: `Connections to these ports are answered although no socket of this network namespace has them: ${redirected.slice(0, NAMED).join(', ')}${more > 0 ? `, and ${more} more` : ''}. The packet filter redirects them, as Kubernetes does with NodePorts. They are not handed out.`,
    advice:
      'Nothing needs to be done, unless more services are added while tests run: then use ports below 30000, with $PORTSLICE_RANGE.',
  }
}

async function filterRedirected(ports: readonly number[]): Promise<number[]> {
  const found: number[] = []
  for (let at = 0; at < ports.length; at += PORTS_AT_ONCE) {
    const some = ports.slice(at, at + PORTS_AT_ONCE)
    const answers = await Promise.all(some.map(isAnswered))
    found.push(...some.filter((_, i) => answers[i]))
  }
  // An app may have begun to listen meanwhile.
  const listening = await Promise.all(found.map(isListening))
  return found.filter((_, i) => !listening[i]).sort((a, b) => a - b)
}

async function isAnswered(port: number): Promise<boolean> {
  const answers = await Promise.all(['127.0.0.1', '::1'].map((host) => canConnect(port, host)))
  return answers.includes(true)
}

/** Only what is connected counts: a busy machine lets time pass as well. */
function canConnect(port: number, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host })
    const answer = (isConnected: boolean) => {
      socket.destroy()
      resolve(isConnected)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer(false))
    // A socket can be connected to itself, if the kernel gives it this very port to come from.
    socket.once('connect', () => answer(socket.localPort !== port))
    socket.once('error', () => answer(false))
  })
}
