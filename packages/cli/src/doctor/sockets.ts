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
import { type Finding, ok, problem, problemFromError } from './finding.js'
import { readSetting } from './system.js'

export interface SocketReport {
  finding: Finding
  refused: SliceStart[]
  held: SliceStart[]
}

interface Refusal {
  slice: SliceStart
  error: NodeJS.ErrnoException
}

/** The functions that bind sockets; tests replace them. */
export interface Binding {
  hold: typeof tryToHoldUdpPort
  probe: typeof probePort
}

const SYSTEM_BINDING: Binding = { hold: tryToHoldUdpPort, probe: probePort }

/** Binds the sockets that a slice needs, in every slice that is not held. */
export async function trySockets(
  unheld: readonly SliceStart[],
  binding: Binding = SYSTEM_BINDING,
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
    return report(socketFailure(error))
  }
  const tried = unheld.length - held.length
  if (refusals.length > 0) return report(refusedFinding(refusals, tried))
  return report(
    ok(
      'sockets',
      tried === 0
        ? 'All slices are held, so no socket was tried.'
        : 'UDP and TCP ports can be bound, so no slice can be leased twice.',
    ),
  )
}

/** Binds the sentinel first, because ports in a slice of another process must not be bound. */
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

function socketFailure(error: unknown): Finding {
  if (error instanceof PortsliceError) return problemFromError('sockets', error)
  const isShort = ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'].includes(codeOf(error))
  return problem(
    'sockets',
    `Sockets cannot be created (${(error as Error).message}).`,
    isShort
      ? 'Close unused files and sockets, or raise the limit: ulimit -n, sysctl fs.file-max'
      : 'Check that the loopback interface is up (ip addr show lo), and that the sandbox allows sockets.',
  )
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
      ? `${kind} may not be bound: ${codeOf(error)} (${error.message}). They are not in use: this process lacks the permission in all ${tried} slices that are not held.`
      : `${kind} may not be bound in ${refusals.length} of ${tried} slices (${where}): ${codeOf(error)} (${error.message}). These slices are skipped.`,
    advice: adviceFor(refusals),
  }
}

function adviceFor(refusals: readonly Refusal[]): string {
  const codes = new Set(refusals.map(({ error }) => codeOf(error)))
  const start = Number(readSetting('ipv4/ip_unprivileged_port_start') ?? 0)
  if (codes.has('EACCES') && start > 1024 && refusals.every(({ slice }) => slice < start)) {
    const below = ephemeralRange().first - 1
    const last = below >= start + SLICE_SIZE ? below : LAST_PORT
    return `Ports below net.ipv4.ip_unprivileged_port_start, which is ${start}, are reserved for root. Use higher ports (export PORTSLICE_RANGE=${start}-${last}), or lower it: sysctl -w net.ipv4.ip_unprivileged_port_start=1024`
  }
  if (codes.has('ERR_ACCESS_DENIED')) return 'Start Node with --allow-net.'
  return codes.has('EACCES')
    ? 'Allow the program to bind these ports: EACCES comes from a sandbox (Landlock, without LANDLOCK_ACCESS_NET_BIND_TCP), from SELinux (name_bind), or from AppArmor.'
    : 'Allow the program to make and bind sockets: EPERM usually comes from a seccomp filter of the container or sandbox.'
}

function mergeSlices(slices: readonly SliceStart[]): { first: number; last: number }[] {
  const merged: { first: number; last: number }[] = []
  for (const first of [...slices].sort((a, b) => a - b)) {
    const before = merged.at(-1)
    if (before && sliceOf(before.last + 1) === first) before.last = sentinelOf(first)
    else merged.push({ first, last: sentinelOf(first) })
  }
  return merged
}
