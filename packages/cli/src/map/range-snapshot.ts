/** The state of each slice and port of the range, for `map`, `ui` and `doctor`. */
import {
  type ClaimStatus,
  listClaims,
  listeningPorts,
  listSlices,
  type PortRange,
  portsOf,
  type SliceStart,
  type SliceStatus,
  sentinelOf,
} from '@portslice/core/internal/inspect'
import { hideClaimedSlices } from '../list/hide-claimed-slices.js'

/** `foreign`: a program that does not use portslice listens on the port. */
export const STATES = ['free', 'held', 'listening', 'leaked', 'quarantined', 'foreign'] as const
export type State = (typeof STATES)[number]

/** The state of a slice is the first of these that one of its ports has. */
const STATE_PRIORITY: readonly State[] = ['leaked', 'listening', 'quarantined', 'held', 'foreign']

/** For more slices, `portslice list` is easier to read. */
export const MAX_DETAILED_SLICES = 24

export interface SliceSnapshot {
  first: number
  /** The sentinel; not in `ports`. */
  last: number
  state: State
  ports: State[]
  status?: SliceStatus
  claims: ClaimStatus[]
}

export interface RangeSnapshot {
  ranges: readonly PortRange[]
  slices: SliceSnapshot[]
}

/** Reads the current state of the machine. Without a list of sockets, no port is `foreign`. */
export async function readRangeSnapshot(
  ranges: readonly PortRange[],
  slices: readonly SliceStart[],
  isRemote = false,
): Promise<{ snapshot: RangeSnapshot; canSeeListeners: boolean }> {
  const [statuses, claims, listening] = await Promise.all([
    listSlices(),
    listClaims(),
    // The listeners of this machine do not use ports of another host.
    isRemote ? undefined : listeningPorts(),
  ])
  const ascending = [...slices].sort((a, b) => a - b)
  const snapshot = createRangeSnapshot(ranges, ascending, statuses, claims, listening ?? new Set())
  return { snapshot, canSeeListeners: listening !== undefined }
}

/** @param listening all ports of the machine that have a listener */
export function createRangeSnapshot(
  ranges: readonly PortRange[],
  slices: readonly SliceStart[],
  statuses: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
  listening: ReadonlySet<number>,
): RangeSnapshot {
  const known = new Map(hideClaimedSlices(statuses, claims).map((status) => [status.first, status]))
  const claimed = new Map(claims.map((claim) => [claim.port, claim]))
  return {
    ranges,
    slices: slices.map((first) => {
      const status = known.get(first)
      const ports = portsOf(first).map((port) => {
        const claim = claimed.get(port)
        if (claim) return claim.listening ? 'listening' : 'held'
        return stateOf(port, status, listening.has(port))
      })
      const last = sentinelOf(first)
      const ofSlice = claims.filter(({ port }) => port >= first && port <= last)
      const isHeld = status?.state === 'held' || claimed.has(last)
      const present = new Set<State>(isHeld ? [...ports, 'held'] : ports)
      return {
        first,
        last,
        state: STATE_PRIORITY.find((state) => present.has(state)) ?? 'free',
        ports,
        ...(status && { status }),
        claims: ofSlice,
      }
    }),
  }
}

function stateOf(port: number, status: SliceStatus | undefined, isListening: boolean): State {
  const known = status?.ports.find((each) => each.port === port)
  if (known?.state === 'leaked') return 'leaked'
  if (known?.state === 'quarantined') return 'quarantined'
  if (known) return known.listening ? 'listening' : 'held'
  if (!isListening) return 'free'
  // The journal is in another lock directory. The listener most likely belongs to the holder.
  return status?.state === 'held' && !status.holder ? 'listening' : 'foreign'
}
