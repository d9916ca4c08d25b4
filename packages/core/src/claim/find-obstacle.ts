import { mayShareNetwork } from '../platform/host.js'
import { type PortProbe, probePort, probePortForTcp } from '../probe/free.js'
import { holdUdpPort } from '../probe/hold-udp-port.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { readClaimNote } from '../slice/claim-note.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import { Slice } from '../slice/slice.js'
import { journalPath } from '../slice/slice-paths.js'
import { quarantineAfter, quarantineSince, readSliceRecord } from '../slice/slice-record.js'
import { poll } from '../wait/poll.js'
import type { ClaimContext } from './claim-context.js'
import { tryWriteClaimNote } from './claim-note-writer.js'
import type { Obstacle } from './obstacle.js'
import { protectWithTimeWait } from './protect-with-time-wait.js'

/** Another claimer binds the sentinel only for a moment, so at least one of these tries should succeed. */
const SENTINEL_RETRIES = 4
const SENTINEL_RETRY_DELAY_MS = 1

/** Checks without a bind, which could disturb an app of another process that is about to bind the port. */
export async function findVisibleObstacle(port: number): Promise<Obstacle | undefined> {
  const sentinel = sentinelOf(sliceOf(port))
  const sockets = await unconnectedUdpPortsOnLoopback()
  if (sockets?.has(sentinel) && port !== sentinel) return { kind: 'slice' }
  if (sockets?.has(port)) return { kind: 'claimed' }
  return (await isListeningForTcp(port)) ? { kind: 'in-use' } : undefined
}

/** Call with the claim socket bound. */
export function findClaimQuarantine(
  port: number,
  { lockDirectory, holder }: ClaimContext,
): Obstacle | undefined {
  if (lockDirectory === undefined) return undefined
  // The claim socket is bound here, so the writer of the note is dead.
  const note = readClaimNote(lockDirectory, port, holder.host)
  if (!note) return undefined
  const { died, leftMs } = quarantineSince(note.died)
  if (died !== note.died) tryWriteClaimNote(lockDirectory, port, { ...note, died })
  return quarantineObstacle(leftMs)
}

/** Whether another process holds the slice, or its dead holder had the port out. */
export async function findSliceObstacle(
  port: number,
  context: ClaimContext,
): Promise<Obstacle | undefined> {
  const first = sliceOf(port)
  // The claim socket has already bound the sentinel.
  if (port === sentinelOf(first)) return undefined
  const sentinel = await poll(() => holdUdpPort(sentinelOf(first)), {
    delays: Array<number>(SENTINEL_RETRIES).fill(SENTINEL_RETRY_DELAY_MS),
  })
  if (!sentinel) return { kind: 'slice' }
  await sentinel.close()
  if (!wasOutAtDeath(port, context)) return undefined
  // Leasing the slice records the death of its holder, which starts the quarantine.
  const slice = await Slice.lease(first, context)
  if (!slice) return { kind: 'slice' }
  const leftMs = slice.quarantineLeftMs(port)
  await slice.giveBackWhenUnused()
  return quarantineObstacle(leftMs)
}

function wasOutAtDeath(port: number, { lockDirectory, holder }: ClaimContext): boolean {
  if (lockDirectory === undefined) return false
  const first = sliceOf(port)
  const record = readSliceRecord(journalPath(lockDirectory, first))
  const quarantine = record && quarantineAfter(record, first).find((each) => each.port === port)
  // In another network namespace the same number is another port.
  return (
    quarantine !== undefined &&
    (quarantine.host === undefined || mayShareNetwork(quarantine.host, holder.host))
  )
}

/** Protects the port from the kernel if it is free. With `isSocketOurs` only TCP is checked. */
export async function findPortObstacle(
  port: number,
  { needsTimeWait }: ClaimContext,
  isSocketOurs: boolean,
): Promise<Obstacle | undefined> {
  const probe: PortProbe = await (isSocketOurs ? probePortForTcp(port) : probePort(port))
  if (probe.state === 'not-permitted') return { kind: 'not-permitted', error: probe.error }
  const isUsable =
    probe.state === 'free' && (!needsTimeWait(port) || (await protectWithTimeWait(port)))
  return isUsable ? undefined : { kind: 'in-use' }
}

export function quarantineObstacle(leftMs: number): Obstacle | undefined {
  return leftMs > 0 ? { kind: 'quarantined', leftMs } : undefined
}
