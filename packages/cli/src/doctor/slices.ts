/** Are there slices to be had, and who has the others? */
import {
  type ClaimStatus,
  listClaims,
  listSlices,
  type ResolvedOptions,
  type SliceStatus,
  sentinelOf,
} from '@portslice/core/internal/inspect'
import { holdersText } from '../list/holder.js'
import type { Finding } from './finding.js'
import { trySockets } from './sockets.js'

/** Fewer free slices than a machine of some size has workers. */
const FEW = 8
/** Holders named in a message; the rest are counted. */
const NAMED = 8

export async function slicesFindings({ slices }: ResolvedOptions): Promise<Finding[]> {
  const mine = new Set(slices)
  const all = (await listSlices()).filter(({ first }) => mine.has(first))
  const known = new Set(all.map(({ first }) => first))
  const sockets = await trySockets(slices.filter((first) => !known.has(first)))
  if (sockets.finding.level === 'problem') return [sockets.finding]
  const held = [
    ...all.filter(({ state }) => state === 'held'),
    // Those that only their sentinels tell, as the table of sockets cannot be read.
    ...sockets.held.map(
      (first): SliceStatus => ({ first, last: sentinelOf(first), state: 'held', ports: [] }),
    ),
  ]
  return [
    sockets.finding,
    freeFinding(slices.length, sockets.refused.length, held, await listClaims()),
    ...leakedFinding(all),
  ]
}

/** @param refused slices of which a socket may not be bound */
export function freeFinding(
  total: number,
  refused: number,
  held: readonly SliceStatus[],
  claims: readonly ClaimStatus[],
): Finding {
  const free = total - held.length - refused
  const unverified = held.filter((slice) => slice.unverified).map(({ first }) => first)
  const message = [
    `${free} of ${total} slices are free; each worker needs one.`,
    ...(refused > 0 ? [`${refused} may not be used by this process.`] : []),
    ...(held.length > 0 ? [`Held: ${holdersText(held, claims, NAMED)}.`] : []),
    ...(unverified.length > 0
      ? [
          `Whether the holder of ${unverified.join(', ')} is alive cannot be seen from here, so it counts as held: it is in another network namespace.`,
        ]
      : []),
  ].join(' ')
  if (free <= 0) {
    return {
      id: 'slices',
      level: 'problem',
      message,
      advice:
        "Wait until one of them has ended ('portslice list' tells who and where), or widen the range with $PORTSLICE_RANGE.",
    }
  }
  if (free >= FEW) return { id: 'slices', level: 'ok', message }
  return {
    id: 'slices',
    level: 'note',
    message,
    advice: 'Widen the range with $PORTSLICE_RANGE if more workers than that are to run.',
  }
}

function leakedFinding(slices: readonly SliceStatus[]): Finding[] {
  const leaked = slices.flatMap(({ ports }) => ports.filter(({ state }) => state === 'leaked'))
  if (leaked.length === 0) return []
  const names = leaked.map(({ port, label }) =>
    label === undefined ? `${port}` : `${port} (${JSON.stringify(label)})`,
  )
  return [
    {
      id: 'leaked-ports',
      level: 'note',
      message: `Something still listens on ports that were given back: ${names.join(', ')}. They are not handed out before that has ended.`,
      advice: 'Close the server at the end of the test that the label names.',
    },
  ]
}
