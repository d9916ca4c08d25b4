/** The range as a picture: what each slice and each port of it is, before anybody draws it. */
import {
  type ClaimStatus,
  type PortRange,
  portsOf,
  type SliceStart,
  type SliceStatus,
  sentinelOf,
} from '@portslice/core/internal/inspect'
import { withoutClaimed } from '../list/claimed.js'

/** `foreign`: something listens that never asked portslice. */
export type State = 'free' | 'held' | 'listening' | 'leaked' | 'quarantined' | 'foreign'

export const STATES: readonly State[] = [
  'free',
  'held',
  'listening',
  'leaked',
  'quarantined',
  'foreign',
]

/** What a slice is, when its ports are several things: the first of these. */
const MOST_REMARKABLE: readonly State[] = ['leaked', 'listening', 'quarantined', 'held', 'foreign']

export interface SlicePicture {
  first: number
  /** The sentinel, which is not part of `ports`. */
  last: number
  state: State
  /** The 31 ports that can be handed out, ascending; of a held slice, those not out are `free`. */
  ports: State[]
  status?: SliceStatus
  /** The ports of it that are claimed, also the last. */
  claims: ClaimStatus[]
}

export interface Picture {
  ranges: readonly PortRange[]
  slices: SlicePicture[]
}

/**
 * @param slices those of the ranges that are drawn, ascending
 * @param listening every port of the machine that is listened on
 */
export function pictureOf(
  ranges: readonly PortRange[],
  slices: readonly SliceStart[],
  statuses: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
  listening: ReadonlySet<number>,
): Picture {
  const known = new Map(withoutClaimed(statuses, claims).map((status) => [status.first, status]))
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
        state: MOST_REMARKABLE.find((state) => present.has(state)) ?? 'free',
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
  // Of a slice whose journal is not here, what listens is most likely its holder's.
  return status?.state === 'held' && !status.holder ? 'listening' : 'foreign'
}
