/** One attempt to claim a port: claim socket first, then a look at the slice that it lies in. */
import { codeOf, isOutOfDescriptors } from '../errors.js'
import { clearTimeout, Date, setTimeout } from '../platform/clock.js'
import { mayShareNetwork } from '../platform/host.js'
import { elapsedSince, isComparable, type KernelTime, kernelTime } from '../platform/kernel-time.js'
import { poll } from '../platform/poll.js'
import { probePort, probePortForTcp } from '../probe/free.js'
import { type HeldUdpPort, holdUdpPort } from '../probe/held-udp.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { atProcessExit } from '../process-state.js'
import {
  type ClaimNote,
  readClaimNote,
  removeClaimNote,
  writeClaimNote,
} from '../slice/claim-note.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import { journalPath } from '../slice/lock-directory.js'
import { heldSlices, type LeaseContext, Slice } from '../slice/slice.js'
import { QUARANTINE_MS, quarantineAfter, readSliceRecord } from '../slice/slice-record.js'
import { protectWithTimeWait } from './protect.js'

/** How a claim goes about it: as a lease of a slice, and with the guard of ports that the kernel hands out. */
export interface ClaimContext extends LeaseContext {
  /** Whether the kernel hands this port out by itself, so that it needs TIME_WAIT to protect it. */
  readonly needsTimeWait: (port: number) => boolean
}

/**
 * What keeps a port from being claimed.
 *
 * - `claimed`: another claim, or a UDP socket of another program
 * - `own`: this very process has it out
 * - `slice`: another process has leased the slice that it lies in
 * - `in-use`: a program listens on it, or has a connection from it
 * - `quarantined`: its holder has died, and what that started may still bind it
 * - `not-permitted`: this user may not bind it
 * - `descriptors`: the system refuses more sockets or files
 */
export type ClaimObstacleKind =
  | 'claimed'
  | 'own'
  | 'slice'
  | 'in-use'
  | 'quarantined'
  | 'not-permitted'
  | 'descriptors'

export interface Obstacle {
  readonly kind: ClaimObstacleKind
  /** Of a quarantine: how long it still lasts, in ms. */
  readonly left?: number
  /** Of a refusal: what the system said. */
  readonly error?: unknown
}

/** A port that is claimed. */
export interface Claim {
  readonly port: number
  /** @param leaked whether the app still listens on it */
  release(leaked: boolean): Promise<void>
}

/** So often in a row another claimer's look at the sentinel is not met by chance. */
const SENTINEL_LOOKS = 4
const SENTINEL_DELAY_MS = 1

/**
 * Claims a port if that is possible now.
 *
 * @param label what it is for
 */
export async function tryClaim(
  port: number,
  context: ClaimContext,
  label?: string,
): Promise<Claim | Obstacle> {
  try {
    const own = heldSlices().get(sliceOf(port))
    return own ? await claimFrom(own, port, context, label) : await claimOutside(port, context)
  } catch (error) {
    if (isOutOfDescriptors(error)) return { kind: 'descriptors', error }
    if (isPermissionError(error)) return { kind: 'not-permitted', error }
    throw error
  }
}

export function isClaim(outcome: Claim | Obstacle): outcome is Claim {
  return 'port' in outcome
}

function isPermissionError(error: unknown): boolean {
  return ['EACCES', 'EPERM'].includes(codeOf(error))
}

/** This process holds the slice: the port comes out of it like any other. */
async function claimFrom(
  slice: Slice,
  port: number,
  context: ClaimContext,
  label: string | undefined,
): Promise<Claim | Obstacle> {
  if (port === slice.last) return { kind: 'slice' }
  if (slice.isOut(port)) return { kind: 'own' }
  const left = slice.quarantineLeft(port)
  if (left > 0) return { kind: 'quarantined', left }
  let obstacle: Obstacle = { kind: 'in-use' }
  const isUsable = async () => {
    const probe = await probePort(port)
    if (probe.state === 'not-permitted') obstacle = { kind: 'not-permitted', error: probe.error }
    return probe.state === 'free' && (await guard(port, context))
  }
  if (!(await slice.tryTake(port, [{ label }], isUsable))) return obstacle
  return {
    port,
    async release(leaked) {
      slice.release(port, leaked)
    },
  }
}

async function claimOutside(port: number, context: ClaimContext): Promise<Claim | Obstacle> {
  const sentinel = sentinelOf(sliceOf(port))
  // A look first: while another process has the port, nothing is bound on it, as its app may be about to.
  const sockets = await unconnectedUdpPortsOnLoopback()
  if (sockets?.has(sentinel) && port !== sentinel) return { kind: 'slice' }
  if (sockets?.has(port)) return { kind: 'claimed' }
  if (await isListeningForTcp(port)) return { kind: 'in-use' }

  const socket = await holdUdpPort(port)
  if (!socket) return { kind: 'claimed' }
  let claim: Claim | undefined
  let note: KeptNote | undefined
  try {
    const quarantined = quarantineOfClaim(port, context)
    if (quarantined) return quarantined
    // Before the look at the slice: whoever leases that later finds the note.
    note = new KeptNote(port, context)
    const obstacle =
      (port === sentinel ? undefined : await lookAtSlice(port, context)) ??
      (await lookAtPort(port, context))
    if (obstacle) return obstacle
    claim = claimOf(port, socket, note)
    return claim
  } finally {
    if (!claim) {
      note?.remove()
      await socket.close()
    }
  }
}

async function lookAtPort(port: number, context: ClaimContext): Promise<Obstacle | undefined> {
  const probe = await probePortForTcp(port)
  if (probe.state === 'not-permitted') return { kind: 'not-permitted', error: probe.error }
  const isOurs = probe.state === 'free' && (await guard(port, context))
  return isOurs ? undefined : { kind: 'in-use' }
}

/** Whether another process holds the slice, or its dead holder had the port out. */
async function lookAtSlice(port: number, context: ClaimContext): Promise<Obstacle | undefined> {
  const first = sliceOf(port)
  const sentinel = await poll(() => holdUdpPort(sentinelOf(first)), {
    delays: Array<number>(SENTINEL_LOOKS).fill(SENTINEL_DELAY_MS),
  })
  if (!sentinel) return { kind: 'slice' }
  await sentinel.close()
  const { lockDirectory, holder } = context
  if (lockDirectory === undefined) return undefined
  const record = readSliceRecord(journalPath(lockDirectory, first))
  const left = record && quarantineAfter(record, first).find((each) => each.port === port)
  // In another network namespace the same number is another port.
  if (!left || (left.host !== undefined && !mayShareNetwork(left.host, holder.host))) {
    return undefined
  }
  // Leasing the slice writes down that its holder is dead, so that the quarantine has begun.
  const slice = await Slice.lease(first, context)
  if (!slice) return { kind: 'slice' }
  const ms = slice.quarantineLeft(port)
  await slice.giveBackWhenUnused()
  return ms > 0 ? { kind: 'quarantined', left: ms } : undefined
}

/** Call with the claim socket held: a note that is still there is that of a dead claimer. */
function quarantineOfClaim(
  port: number,
  { lockDirectory, holder }: ClaimContext,
): Obstacle | undefined {
  if (lockDirectory === undefined) return undefined
  const left = readClaimNote(lockDirectory, port, holder.host)
  if (!left) return undefined
  const now = kernelTime()
  const isKnown = left.died !== undefined && isComparable(left.died, now)
  const died = isKnown ? (left.died as KernelTime) : now
  const ms = QUARANTINE_MS - elapsedSince(died, now)
  if (!isKnown) writeNote(lockDirectory, port, { ...left, died }, () => {})
  return ms > 0 ? { kind: 'quarantined', left: ms } : undefined
}

/** On a port that the kernel hands out by itself. @returns false when the port is taken after all */
async function guard(port: number, context: ClaimContext): Promise<boolean> {
  return !context.needsTimeWait(port) || protectWithTimeWait(port)
}

/** How often a note is written again if it was removed by hand, or could not be written, in ms. */
const NOTE_INTERVAL_MS = 5000

/** The note that says who claims a port, for as long as it is claimed. */
class KeptNote {
  readonly #port: number
  readonly #context: ClaimContext
  readonly #note: ClaimNote
  #timer: NodeJS.Timeout | undefined

  constructor(port: number, context: ClaimContext) {
    const { pid, startedAt, pidNamespace, host, cwd, command } = context.holder
    const run = { ...(startedAt && { startedAt }), ...(pidNamespace && { pidNamespace }) }
    this.#port = port
    this.#context = context
    this.#note = { pid, ...run, host, cwd, command, at: new Date().toISOString() }
    this.#write(this.#note, context.onTrouble)
  }

  #write(note: ClaimNote, onTrouble: (error: unknown) => void): void {
    const { lockDirectory } = this.#context
    if (lockDirectory !== undefined) writeNote(lockDirectory, this.#port, note, onTrouble)
  }

  keep(): void {
    const { lockDirectory, holder } = this.#context
    if (lockDirectory === undefined) return
    this.#timer = setTimeout(() => {
      if (!readClaimNote(lockDirectory, this.#port, holder.host)) this.#write(this.#note, () => {})
      this.keep()
    }, NOTE_INTERVAL_MS).unref()
  }

  /** The process ends with the port claimed: what it has started may still bind it. */
  noteEnd(): void {
    this.#write({ ...this.#note, died: kernelTime() }, () => {})
  }

  remove(): void {
    clearTimeout(this.#timer)
    const { lockDirectory, holder } = this.#context
    if (lockDirectory !== undefined) removeClaimNote(lockDirectory, this.#port, holder.host)
  }
}

function writeNote(
  lockDirectory: string,
  port: number,
  note: ClaimNote,
  onTrouble: (error: unknown) => void,
): void {
  try {
    writeClaimNote(lockDirectory, port, note)
  } catch (error) {
    onTrouble(error)
  }
}

function claimOf(port: number, socket: HeldUdpPort, note: KeptNote): Claim {
  note.keep()
  const forgetExit = atProcessExit(() => note.noteEnd())
  return {
    port,
    async release() {
      forgetExit()
      note.remove()
      await socket.close()
    },
  }
}
