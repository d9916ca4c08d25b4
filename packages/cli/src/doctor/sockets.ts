/** May the sockets be bound that a slice needs? Tried on every slice that is not held. */
import {
  codeOf,
  ephemeralRange,
  formatRanges,
  LAST_PORT,
  PortsliceError,
  portsOf,
  probePort,
  SLICE_SIZE,
  type SliceStart,
  sentinelOf,
  sliceOf,
  tryToHoldUdpPort,
} from '@portslice/core/internal/inspect'
import { type Finding, problem } from './finding.js'
import { readSetting } from './system.js'

export interface SocketReport {
  finding: Finding
  /** Slices of which a socket may not be bound. */
  refused: SliceStart[]
  /** Slices that turned out to be held. */
  held: SliceStart[]
}

interface Refusal {
  slice: SliceStart
  error: NodeJS.ErrnoException
}

/** What is bound for a look, which tests replace. */
export interface Binding {
  hold: typeof tryToHoldUdpPort
  probe: typeof probePort
}

const OF_THE_SYSTEM: Binding = { hold: tryToHoldUdpPort, probe: probePort }

/** @param unheld slices in which no other process has ports */
export async function trySockets(
  unheld: readonly SliceStart[],
  binding: Binding = OF_THE_SYSTEM,
): Promise<SocketReport> {
  const refusals: Refusal[] = []
  const held: SliceStart[] = []
  const report = (finding: Finding): SocketReport => ({
    finding,
    refused: refusals.map(({ slice }) => slice),
    held,
  })
  try {
    for (const slice of unheld) {
      const answer = await trySlice(slice, binding)
      if (answer === 'held') held.push(slice)
      else if (answer !== 'allowed') refusals.push({ slice, error: answer })
    }
  } catch (error) {
    return report(noSocket(error))
  }
  const tried = unheld.length - held.length
  if (refusals.length > 0) return report(refusedFinding(refusals, tried))
  return report({
    id: 'sockets',
    level: 'ok',
    message:
      tried === 0
        ? 'All slices are held, so no socket was tried.'
        : 'UDP and TCP ports can be bound: a slice that is held cannot be leased twice.',
  })
}

/** Holds the sentinel meanwhile, as no port of a slice that another process holds may be bound. */
async function trySlice(
  slice: SliceStart,
  { hold, probe }: Binding,
): Promise<'allowed' | 'held' | NodeJS.ErrnoException> {
  const sentinel = await hold(sentinelOf(slice))
  if (sentinel.state === 'not-permitted') return sentinel.error
  if (sentinel.state === 'in-use') return 'held'
  try {
    for (const port of portsOf(slice).reverse()) {
      const found = await probe(port)
      if (found.state === 'not-permitted') return found.error
      if (found.state === 'free') return 'allowed'
    }
    return 'allowed'
  } finally {
    await sentinel.held.close()
  }
}

function noSocket(error: unknown): Finding {
  if (error instanceof PortsliceError) return problem('sockets', error)
  const isShort = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(codeOf(error))
  return {
    id: 'sockets',
    level: 'problem',
    message: `No socket can be made (${(error as Error).message}).`,
    advice: isShort
      ? 'Close files and sockets that are not needed, or raise the limit: ulimit -n, sysctl fs.file-max'
      : 'See whether the loopback interface is up (ip addr show lo), and whether the sandbox that this runs in allows sockets.',
  }
}

function refusedFinding(refusals: readonly Refusal[], tried: number): Finding {
  const { error } = refusals[0] as Refusal
  const kind = { listen: 'TCP ports', bind: 'UDP ports' }[error.syscall ?? ''] ?? 'Ports'
  const isAll = refusals.length === tried
  const where = formatRanges(mergeSlices(refusals.map(({ slice }) => slice)))
  return {
    id: 'sockets',
    level: isAll ? 'problem' : 'note',
    message: isAll
      ? `${kind} may not be bound: ${codeOf(error)} (${error.message}). That is not because they are in use: this process lacks the permission, in all ${tried} slices that are not held.`
      : `${kind} may not be bound in ${refusals.length} of ${tried} slices (${where}): ${codeOf(error)} (${error.message}). These slices are passed over.`,
    advice: adviceFor(refusals),
  }
}

function adviceFor(refusals: readonly Refusal[]): string {
  const codes = new Set(refusals.map(({ error }) => codeOf(error)))
  const start = Number(readSetting('ipv4/ip_unprivileged_port_start') ?? 0)
  if (codes.has('EACCES') && start > 1024 && refusals.every(({ slice }) => slice < start)) {
    const below = ephemeralRange().first - 1
    const last = below >= start + SLICE_SIZE ? below : LAST_PORT
    return `Ports below net.ipv4.ip_unprivileged_port_start, which is ${start}, are for root. Use ports from there up (export PORTSLICE_RANGE=${start}-${last}), or lower it: sysctl -w net.ipv4.ip_unprivileged_port_start=1024`
  }
  if (codes.has('ERR_ACCESS_DENIED')) return 'Start Node with --allow-net.'
  return codes.has('EACCES')
    ? 'Allow the program to bind these ports: EACCES comes from a sandbox (Landlock, without LANDLOCK_ACCESS_NET_BIND_TCP), from SELinux (name_bind), or from AppArmor.'
    : 'Allow the program to make and bind sockets: EPERM comes mostly from a seccomp filter of the container or sandbox.'
}

/** Neighbouring slices as one range each. @param slices in any order */
function mergeSlices(slices: readonly SliceStart[]): { first: number; last: number }[] {
  const merged: { first: number; last: number }[] = []
  for (const first of [...slices].sort((a, b) => a - b)) {
    const before = merged.at(-1)
    if (before && sliceOf(before.last + 1) === first) before.last = sentinelOf(first)
    else merged.push({ first, last: sentinelOf(first) })
  }
  return merged
}
