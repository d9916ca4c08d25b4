import { type ClaimStatus, listClaims } from '../claim/list-claims.js'
import { inspect, invalidOption } from '../errors.js'
import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkHistoryOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { isPort } from '../options/validate.js'
import { Date } from '../platform/clock.js'
import { hostIdentity, mayShareNetwork } from '../platform/host.js'
import { elapsedSince, isComparable, kernelTime } from '../platform/kernel-time.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { processStateOf } from '../platform/process-run.js'
import { isListening } from '../probe/listening.js'
import { ownersOf, type PortOwner } from '../probe/owner.js'
import { type PortUse as SocketUse, usesOfPort } from '../probe/port-use.js'
import { whyAvoided } from '../slice/avoided-ports.js'
import { type ClaimNote, readClaimNote } from '../slice/claim-note.js'
import { readWithHistory } from '../slice/history.js'
import { formatRanges, LAST_PORT, sentinelOf, sliceOf, slicesIn } from '../slice/layout.js'
import {
  holderFrom,
  readStatus,
  type SliceHolderStatus,
  type SliceStatus,
} from '../slice/list-slices.js'
import { historyPath, journalPath } from '../slice/lock-directory.js'
import { type JournaledUse, parseUses } from '../slice/port-uses.js'
import { QUARANTINE_MS } from '../slice/slice-record.js'

/** Options of `portHistory`. */
export interface PortHistoryOptions {
  /** The lock directory; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
  /** The range that ports are handed out from. Default: as the option `range` of an allocator. */
  range?: readonly [first: number, last: number]
}

/** Who has a port, and who had it. */
export interface PortHistory {
  /** The port number. */
  port: number
  /** The slice it belongs to. */
  slice: {
    /** The first port. */
    first: number
    /** The last port: the sentinel, which is not handed out. */
    last: number
    /** As in `SliceStatus`. `claimed`: its last port is claimed, so it cannot be leased. */
    state: 'free' | 'held' | 'abandoned' | 'claimed'
    /** The present or last holder; missing if there is none, or its journal is elsewhere. */
    holder?: SliceHolderStatus
    /** The processes that have the sentinel bound, if the journal of the holder is elsewhere. */
    processes?: PortProcess[]
  }
  /**
   * What it is now.
   *
   * - `free`: no process has it
   * - `out`: the holder of its slice has handed it out
   * - `leaked`: was released while a process listened on it, and still does
   * - `quarantined`: was out when its holder died
   * - `claimed`: as a fixed port
   * - `sentinel`: the last port of its slice, bound by the holder of the slice
   * - `foreign`: a program that does not use portslice listens on it, or has a connection from it
   * - `unknown`: its slice is held, but the journal that says which ports are out is elsewhere
   */
  state: 'free' | 'out' | 'leaked' | 'quarantined' | 'claimed' | 'sentinel' | 'foreign' | 'unknown'
  /** Whether anything listens on it in this network namespace. */
  listening: boolean
  /** The processes that listen on it, as far as this user may see them. Empty on other systems than Linux. */
  processes: PortProcess[]
  /**
   * The connections from it, if nothing listens: as long as they last, it can mostly not be bound.
   * Linux only, as the next.
   */
  connections?: {
    /** The other end, such as `10.0.0.7:443`. */
    remote: string
    /** The processes that have it, as far as this user may see them. */
    processes: PortProcess[]
  }[]
  /** True if closed connections from it are in TIME_WAIT, which keeps no server from binding it. */
  timeWait?: true
  /** The `label` it was taken with, if it is out, leaked or quarantined. */
  label?: string
  /** The `key` it was taken with, likewise. */
  key?: string
  /** Since when it has this state, ISO 8601. */
  since?: string
  /** The end of its quarantine, ISO 8601. */
  until?: string
  /** True if its holder is in another network namespace, where the same number is another port. */
  elsewhere?: true
  /** True if the holder is in another network namespace and may be dead. */
  unverified?: true
  /** Who has claimed it. */
  claim?: ClaimStatus
  /** Why it is never handed out; missing if it may be. */
  notHandedOut?: {
    /** `sentinel`: it holds its slice. `avoided`: servers or browsers reserve it. `range`: outside of it. */
    reason: 'sentinel' | 'avoided' | 'range'
    /** A sentence for people. */
    text: string
  }
  /** Who had it, newest first, as far as the journals of the slice go back. */
  uses: PortUse[]
}

/** A port from hand-out to release. */
export interface PortUse {
  /** Who had it; missing if it was claimed, or the journals have lost that. */
  holder?: SliceHolderStatus
  /** Who had claimed it as a fixed port. */
  claimer?: PortProcess
  /** The `label` it was taken with. */
  label?: string
  /** The `key` it was taken with. */
  key?: string
  /** When it was handed out, ISO 8601. */
  since?: string
  /** When that ended, ISO 8601; missing if it has not, or no process saw it. */
  until?: string
  /** `out`: not yet. `died`: its holder ended without releasing it. */
  end: 'out' | 'released' | 'leaked' | 'died'
  /** When the quarantine that followed ended, or will end, ISO 8601. */
  quarantinedUntil?: string
}

/** A process, as the system shows it. */
export interface PortProcess {
  /** Its pid. */
  pid: number
  /** Its command with arguments, at most 500 characters. */
  command: string
  /** Its working directory, if this user may see it. */
  cwd?: string
}

/** See `portHistory`. */
export async function findHistory(port: number, options: PortHistoryOptions): Promise<PortHistory> {
  checkHistoryOptions(options)
  if (!isPort(port)) {
    throw invalidOption(
      `portHistory was asked for ${inspect(port)}, which is not a port.`,
      port,
      `Give a port from 1 to ${LAST_PORT}.`,
    )
  }
  const lockDirectory = lockDirectoryFor(options.lockDirectory)
  const slice = sliceOf(port)
  const [status, claims, sockets = [], listening] = await Promise.all([
    readStatus(lockDirectory, slice),
    listClaims({ lockDirectory: lockDirectory ?? false }),
    usesOfPort(port),
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

interface Found {
  port: number
  status: SliceStatus | undefined
  claim: ClaimStatus | undefined
  claimOfSentinel: ClaimStatus | undefined
  isUsed: boolean
}

type Now = Pick<PortHistory, 'state' | 'label' | 'key' | 'since' | 'until' | 'elsewhere'>

function stateOf(found: Found, dead: DeadClaim | undefined): Now {
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

/** A claim of its last port makes a slice look held. */
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

function connectionsOf(sockets: readonly SocketUse[]): NonNullable<PortHistory['connections']> {
  return sockets
    .filter(({ kind }) => kind === 'connection')
    .map(({ remote = '', owners }) => ({ remote, processes: owners.map(processFrom) }))
}

function processesOf(sockets: readonly SocketUse[]): PortProcess[] {
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

/** Its process ended without releasing it. */
interface DeadClaim {
  note: ClaimNote
  /** The quarantine's end may be past. */
  until: string
  isQuarantined: boolean
}

function deadClaim(lockDirectory: string, port: number): DeadClaim | undefined {
  const note = readClaimNote(lockDirectory, port, hostIdentity())
  if (!note) return undefined
  const isDead = note.died || processStateOf(note.pid, note) === 'gone'
  if (!isDead) return undefined
  const now = kernelTime()
  const died = note.died && isComparable(note.died, now) ? note.died : now
  const left = QUARANTINE_MS - elapsedSince(died, now)
  return { note, until: new Date(Date.now() + left).toISOString(), isQuarantined: left > 0 }
}
