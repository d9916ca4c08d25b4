import {
  type ClaimStatus,
  listClaims,
  listSlices,
  type ResolvedOptions,
  type SliceStatus,
  sentinelOf,
} from '@portslice/core/internal/inspect'
import { formatHolders } from '../list/format-holder.js'
import { type Finding, note, ok, problem } from './finding.js'
import { trySockets } from './sockets.js'

/** One slice for each worker on a large machine. */
const ENOUGH_FREE_SLICES = 8
const MAX_NAMED_HOLDERS = 8

export async function slicesFindings(options: ResolvedOptions): Promise<Finding[]> {
  const slices = [...options.slices]
  const mine = new Set(slices)
  const all = (await listSlices()).filter(({ first }) => mine.has(first))
  const known = new Set(all.map(({ first }) => first))
  const sockets = await trySockets(slices.filter((first) => !known.has(first)))
  if (sockets.finding.level === 'problem') return [sockets.finding]
  const held = [
    ...all.filter(({ state }) => state === 'held'),
    // If the table of sockets cannot be read, only the attempt to bind shows these holders.
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

/** @param refused the number of slices whose sockets this process may not bind */
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
    ...(refused > 0 ? [`This process may not use ${refused} of them.`] : []),
    ...(held.length > 0 ? [`Held: ${formatHolders(held, claims, MAX_NAMED_HOLDERS)}.`] : []),
    ...(unverified.length > 0
      ? [
          `Whether the holder of ${unverified.join(', ')} is alive is unknown, because it is in another network namespace; the slice counts as held.`,
        ]
      : []),
  ].join(' ')
  if (free <= 0) {
    return problem(
      'slices',
      message,
      "Wait until a holder has ended ('portslice list' shows them), or widen the range with $PORTSLICE_RANGE.",
    )
  }
  if (free >= ENOUGH_FREE_SLICES) return ok('slices', message)
  return note('slices', message, 'Widen the range with $PORTSLICE_RANGE to run more workers.')
}

function leakedFinding(slices: readonly SliceStatus[]): Finding[] {
  const leaked = slices.flatMap(({ ports }) => ports.filter(({ state }) => state === 'leaked'))
  if (leaked.length === 0) return []
  const names = leaked.map(({ port, label }) =>
    label === undefined ? `${port}` : `${port} (${JSON.stringify(label)})`,
  )
  return [
    note(
      'leaked-ports',
      `Processes still listen on released ports: ${names.join(', ')}. These ports are not handed out until the listeners have ended.`,
      'Close the server at the end of the test that the label names.',
    ),
  ]
}
