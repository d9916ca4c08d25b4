import { type ClaimStatus, listClaims } from '../claim/list-claims.js'
import { inspect, invalidOption } from '../errors.js'
import { checkHistoryOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { resolveLockDirectory } from '../options/resolve-lock-directory.js'
import { isPort } from '../options/validate.js'
import { Date } from '../platform/clock.js'
import { hostIdentity, mayShareNetwork } from '../platform/host.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { processStateOf } from '../platform/process-run.js'
import { isListening } from '../probe/listening.js'
import { ownersOf, type PortOwner } from '../probe/owner.js'
import { type PortSocket, socketsOfPort } from '../probe/port-sockets.js'
import { whyAvoided } from '../slice/avoided-ports.js'
import { type ClaimNote, readClaimNote } from '../slice/claim-note.js'
import { readWithHistory } from '../slice/history.js'
import { formatRanges, LAST_PORT, sentinelOf, sliceOf, slicesIn } from '../slice/layout.js'
import { listSlices, type SliceStatus } from '../slice/list-slices.js'
import { type JournaledUse, parseUses } from '../slice/port-uses.js'
import { historyPath, journalPath } from '../slice/slice-paths.js'
import { holderFrom, quarantineSince, type SliceHolderStatus } from '../slice/slice-record.js'
import type { PortHistory, PortProcess, PortUse } from './port-history-result.js'
import { remoteHostOf } from './remote-host-of.js'

export type { PortHistory, PortProcess, PortUse }

/** Options of `portHistory`. */
export interface PortHistoryOptions {
  /** The lock directory; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
  /** The host of the port, if it is not this machine; as the option of an allocator. */
  host?: string
  /** The URL of the coordinator of that host, as the option of an allocator. */
  coordinator?: string
  /** The range that ports are handed out from. Default: as the option `range` of an allocator. */
  range?: readonly [first: number, last: number]
}

export async function findHistory(port: number, options: PortHistoryOptions): Promise<PortHistory> {
  checkHistoryOptions(options)
  if (!isPort(port)) {
    throw invalidOption(
      `portHistory was asked for ${inspect(port)}, which is not a port.`,
      port,
      `Give a port from 1 to ${LAST_PORT}.`,
    )
  }
  const remote = await remoteHostOf(options)
  if (remote) {
    const { remotePortHistory } = await import('./remote-port-history.js')
    const notHandedOut = whyNotHandedOut(port, options)
    return { ...(await remotePortHistory(port, remote)), ...(notHandedOut && { notHandedOut }) }
  }
  const lockDirectory = resolveLockDirectory(options.lockDirectory)
  const slice = sliceOf(port)
  const [[status], claims, sockets = [], listening] = await Promise.all([
    listSlices(lockDirectory, slice),
    listClaims(lockDirectory),
    socketsOfPort(port),
    isListening(port),
  ])
  const connections = listening ? [] : connectionsOf(sockets)
  const claimOf = (wanted: number) => claims.find((claim) => claim.port === wanted)
  const found: Found = {
    port,
    status,
    claim: claimOf(port),
    claimOfSentinel: claimOf(sentinelOf(slice)),
    isUsed: listening || connections.length > 0,
  }
  const dead = lockDirectory === undefined ? undefined : deadClaim(lockDirectory, port)
  const now = stateOf(found, dead)
  return omitUndefined({
    port,
    slice: await sliceFrom(found),
    ...now,
    listening,
    processes: processesOf(sockets.filter(({ kind }) => kind === 'listener' || kind === 'udp')),
    ...(connections.length > 0 && { connections }),
    ...(sockets.some(({ kind }) => kind === 'time-wait') && { timeWait: true as const }),
    ...(status?.unverified && { unverified: status.unverified }),
    claim: found.claim,
    notHandedOut: whyNotHandedOut(port, options),
    uses: lockDirectory === undefined ? [] : usesOf(lockDirectory, port, dead, now.state),
  })
}

/** What the slice, the claims and the sockets show about the port. */
interface Found {
  port: number
  status: SliceStatus | undefined
  claim: ClaimStatus | undefined
  claimOfSentinel: ClaimStatus | undefined
  isUsed: boolean
}

/** The present state of the port. */
type PresentState = Pick<PortHistory, 'state' | 'label' | 'key' | 'since' | 'until' | 'elsewhere'>

function stateOf(found: Found, dead: DeadClaim | undefined): PresentState {
  const { port, status, claim, isUsed } = found
  if (claim) return { state: 'claimed', since: claim.since }
  const isHeld = isSliceHeld(found)
  const elsewhere = isHeld && isElsewhere(status?.holder) ? ({ elsewhere: true } as const) : {}
  const known = status?.ports.find((each) => each.port === port)
  if (known) {
    const { label, key, since, until, state } = known
    return { state, ...elsewhere, ...omitUndefined({ label, key, since, until }) }
  }
  if (isHeld && port === status?.last) {
    return { state: 'sentinel', ...elsewhere, ...omitUndefined({ since: status.holder?.since }) }
  }
  if (isHeld && !status?.holder) return { state: 'unknown' }
  if (dead?.isQuarantined) return { state: 'quarantined', since: dead.note.at, until: dead.until }
  return { state: isUsed ? 'foreign' : 'free' }
}

/** A slice looks held if its last port is claimed. */
function isSliceHeld({ status, claimOfSentinel }: Found): boolean {
  return status?.state === 'held' && (status.holder !== undefined || !claimOfSentinel)
}

function isElsewhere(holder: SliceHolderStatus | undefined): boolean {
  return holder !== undefined && !mayShareNetwork(holder.host, hostIdentity())
}

async function sliceFrom(found: Found): Promise<PortHistory['slice']> {
  const { port, status, claimOfSentinel } = found
  const bounds = { first: sliceOf(port), last: sentinelOf(sliceOf(port)) }
  if (!isSliceHeld(found)) {
    const state = claimOfSentinel ? 'claimed' : status?.state === 'abandoned' ? 'abandoned' : 'free'
    return { ...bounds, state, ...omitUndefined({ holder: status?.holder }) }
  }
  if (status?.holder) return { ...bounds, state: 'held', holder: status.holder }
  const processes = (await ownersOf(bounds.last)).map(processFrom)
  return { ...bounds, state: 'held', processes }
}

function connectionsOf(sockets: readonly PortSocket[]): NonNullable<PortHistory['connections']> {
  return sockets
    .filter(({ kind }) => kind === 'connection')
    .map(({ remote = '', owners }) => ({ remote, processes: owners.map(processFrom) }))
}

function processesOf(sockets: readonly PortSocket[]): PortProcess[] {
  const owners = sockets.flatMap((socket) => socket.owners)
  return [...new Map(owners.map((owner) => [owner.pid, owner])).values()].map(processFrom)
}

function processFrom({ pid, command, cwd }: PortOwner): PortProcess {
  return omitUndefined({ pid, command, cwd })
}

function whyNotHandedOut(port: number, { range }: PortHistoryOptions): PortHistory['notHandedOut'] {
  const slice = sliceOf(port)
  if (port === sentinelOf(slice)) {
    const text = 'It is the last port of its slice, the sentinel, so it is never handed out.'
    return { reason: 'sentinel', text }
  }
  const avoided = whyAvoided(port)
  if (avoided !== undefined)
    return { reason: 'avoided', text: `It is ${avoided}, so it is never handed out.` }
  const { ranges } = resolveOptions({ ...(range && { range }) })
  if (ranges.flatMap(slicesIn).includes(slice)) return undefined
  return {
    reason: 'range',
    text: `It is outside of the range ${formatRanges(ranges)}, so only claims and \`prefer\` give it out.`,
  }
}

function usesOf(
  lockDirectory: string,
  port: number,
  dead: DeadClaim | undefined,
  state: PortHistory['state'],
): PortUse[] {
  const slice = sliceOf(port)
  const journal = journalPath(lockDirectory, slice)
  const uses = parseUses(readWithHistory(journal, historyPath(lockDirectory, slice)), port)
  if (dead) {
    const { pid, command, cwd, at } = dead.note
    uses.push({
      claimer: { pid, command, cwd },
      since: at,
      end: 'died',
      quarantinedUntil: dead.until,
    })
  }
  return uses.reverse().map((use, index) => useFrom(use, index === 0 && state === 'out'))
}

function useFrom({ lease, end, ...use }: JournaledUse, isOut: boolean): PortUse {
  const holder = lease && holderFrom(lease)
  const open = isOut ? 'out' : 'died'
  return { ...omitUndefined({ holder }), ...use, end: end ?? open }
}

/** A claim whose process ended without releasing it. */
interface DeadClaim {
  note: ClaimNote
  /** The end of the quarantine, ISO 8601; may be in the past. */
  until: string
  isQuarantined: boolean
}

function deadClaim(lockDirectory: string, port: number): DeadClaim | undefined {
  const note = readClaimNote(lockDirectory, port, hostIdentity())
  if (!note) return undefined
  const isDead = note.died || processStateOf(note.pid, note) === 'gone'
  if (!isDead) return undefined
  const { leftMs } = quarantineSince(note.died)
  return { note, until: new Date(Date.now() + leftMs).toISOString(), isQuarantined: leftMs > 0 }
}
