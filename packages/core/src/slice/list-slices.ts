/** Who holds which slice, which ports are out, and for what. */
import { readdirSync } from 'node:fs'
import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkListOptions } from '../options/options.js'
import { Date } from '../platform/clock.js'
import { hostIdentity } from '../platform/host.js'
import { processStateOf } from '../platform/process-run.js'
import { isUdpPortHeld } from '../probe/held-udp.js'
import { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { type SliceStart, sentinelOf, sliceOf } from './layout.js'
import { askLiveness } from './liveness.js'
import { lockHolderState, lockToken } from './lock.js'
import { journalPath, livenessPath, sliceOfJournal } from './lock-directory.js'
import {
  type LeaseRecord,
  type PortRecord,
  quarantineAfter,
  readSliceRecord,
  type SliceRecord,
} from './slice-record.js'

/** What {@link listSlices} takes. */
export interface ListSlicesOptions {
  /** The directory to look into; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
}

/** One slice that is held, or in which a dead holder left something. */
export interface SliceStatus {
  /** Its first port. */
  first: number
  /** The sentinel, which is not handed out. */
  last: number
  /** `held` by a live process, or `abandoned` by a dead one with ports in quarantine or leaked. */
  state: 'held' | 'abandoned'
  /** True when the holder is in another network namespace, and whether it lives cannot be seen. */
  unverified?: true
  /** Who holds or held it; missing where the journal lies in another lock directory. */
  holder?: SliceHolderStatus
  /** The ports that are not simply free, ascending. */
  ports: PortStatus[]
}

/** Who holds or held a slice, as its journal says. */
export interface SliceHolderStatus extends Omit<LeaseRecord, 'at' | 'startedAt' | 'pidNamespace'> {
  /** When it leased the slice, ISO 8601. */
  since: string
}

/** One port that is not simply free. */
export interface PortStatus {
  /** Its number. */
  port: number
  /** `out`: handed out. `leaked`: given back while something listened. `quarantined`: was out when its holder died. */
  state: 'out' | 'leaked' | 'quarantined'
  /** What it was taken for, where that was said. */
  label?: string
  /** The key it was taken with, if any. */
  key?: string
  /** Since when it is so, ISO 8601; missing where that is not known. */
  since?: string
  /** Until when a quarantined port is not handed out, ISO 8601. */
  until?: string
  /** Whether something listens on it now. */
  listening: boolean
}

/**
 * Lists the slices that are held on this machine, and those that dead holders left something
 * in, ascending. What other users hold is listed too, without what only their journals say.
 *
 * Texts such as labels and commands come from other processes as they wrote them: neutralise
 * control characters before you print them.
 *
 * @param options which lock directory
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 * @example
 * const out = (await listSlices()).flatMap(({ ports }) => ports.map(({ port }) => port))
 */
export async function listSlices(options: ListSlicesOptions = {}): Promise<SliceStatus[]> {
  checkListOptions(options)
  const lockDirectory = lockDirectoryFor(options.lockDirectory)
  const known =
    lockDirectory === undefined ? new Set<SliceStart>() : slicesWithJournal(lockDirectory)
  let sentinels = await heldSentinels(known)
  // Read when it is first needed: it takes longer than all the rest, and often nothing is out.
  let table: Promise<ReadonlySet<number> | undefined> | undefined
  const listening = () => {
    table ??= listeningPorts()
    return table
  }

  const statuses: SliceStatus[] = []
  for (const first of [...new Set([...known, ...sentinels])].sort((a, b) => a - b)) {
    let status = await statusFrom(lockDirectory, first, sentinels)
    if (!status.isHeld && status.record?.ports.length) {
      // It may have been leased since the first look.
      sentinels = await heldSentinels(known)
      status = await statusFrom(lockDirectory, first, sentinels)
    }
    const { record, isHeld, isByLast, unverified } = status
    const ports = record ? await portsOf(record, first, isByLast, listening) : []
    if (!isHeld && ports.length === 0) continue
    statuses.push({
      first,
      last: sentinelOf(first),
      state: isHeld ? 'held' : 'abandoned',
      ...(unverified && { unverified }),
      ...(record?.lease && (isByLast || !isHeld) && { holder: statusOf(record.lease) }),
      ports,
    })
  }
  return statuses
}

interface Holding {
  record?: SliceRecord | undefined
  isHeld: boolean
  /** Whether the holder is the one that the journal names. */
  isByLast: boolean
  unverified?: true
}

async function statusFrom(
  lockDirectory: string | undefined,
  first: SliceStart,
  sentinels: ReadonlySet<SliceStart>,
): Promise<Holding> {
  if (lockDirectory === undefined) return { isHeld: true, isByLast: false }
  const record = readSliceRecord(journalPath(lockDirectory, first))
  if (!sentinels.has(first)) return { record, ...(await heldElsewhere(lockDirectory, first)) }
  return { record, isHeld: true, isByLast: await holdsSentinel(lockDirectory, first, record) }
}

/** Whether the sentinel is held by the process that the journal names, and not by way of another lock directory. */
async function holdsSentinel(
  lockDirectory: string,
  slice: SliceStart,
  record: SliceRecord | undefined,
): Promise<boolean> {
  const { lease, lock, ended } = record ?? {}
  if (!lease || ended || lease.host !== hostIdentity()) return false
  const state = processStateOf(lease.pid, lease)
  if (state !== 'unknown' && lock !== undefined && lockToken(lockDirectory, slice) === lock) {
    return state === 'running'
  }
  return (await askLiveness(livenessPath(lockDirectory, slice))) === 'accepted'
}

/** Whether a holder in another network namespace has the slice, by way of this lock directory. */
async function heldElsewhere(lockDirectory: string, slice: SliceStart): Promise<Holding> {
  // Without the sentinel here, a holder of this host is dead, as if this process held it.
  const context = { host: hostIdentity(), holdsSentinel: true }
  const state = await lockHolderState(lockDirectory, slice, context)
  const isHeld = state === 'alive' || state === 'unknown'
  return { isHeld, isByLast: isHeld, ...(state === 'unknown' && { unverified: true }) }
}

function statusOf({
  at,
  startedAt: _,
  pidNamespace: __,
  ...lease
}: LeaseRecord): SliceHolderStatus {
  return { ...lease, since: at }
}

function slicesWithJournal(lockDirectory: string): Set<SliceStart> {
  try {
    const slices = readdirSync(lockDirectory).map(sliceOfJournal)
    return new Set(slices.filter((slice) => slice !== undefined))
  } catch {
    return new Set() // No process of this user has leased anything yet.
  }
}

/** The kernel's table tells all sentinels at once; where there is none, each known one is tried. */
async function heldSentinels(known: ReadonlySet<SliceStart>): Promise<Set<SliceStart>> {
  const sockets = await unconnectedUdpPortsOnLoopback()
  if (sockets) {
    return new Set([...sockets].filter((port) => port === sentinelOf(sliceOf(port))).map(sliceOf))
  }
  const held = new Set<SliceStart>()
  for (const slice of known) {
    if (await isUdpPortHeld(sentinelOf(slice))) held.add(slice)
  }
  return held
}

async function portsOf(
  record: SliceRecord,
  slice: SliceStart,
  isHeld: boolean,
  listening: () => Promise<ReadonlySet<number> | undefined>,
): Promise<PortStatus[]> {
  const quarantine = new Map(quarantineAfter(record, slice).map((each) => [each.port, each.left]))
  const ports: PortStatus[] = []
  for (const each of record.ports) {
    const { port, state } = each
    if (sliceOf(port) !== slice) continue
    const isListened = (await listening())?.has(port) ?? (await isListening(port))
    const left = quarantine.get(port)
    if (state === 'leaked' ? isListened : state === 'out' && isHeld) {
      ports.push({ ...portStatus(each, isListened), state })
    } else if (left !== undefined) {
      const until = new Date(Date.now() + left).toISOString()
      ports.push({ ...portStatus(each, isListened), state: 'quarantined', until })
    }
  }
  return ports.sort((a, b) => a.port - b.port)
}

function portStatus({ port, label, key, since }: PortRecord, listening: boolean) {
  return {
    port,
    ...(label !== undefined && { label }),
    ...(key !== undefined && { key }),
    ...(since !== undefined && { since }),
    listening,
  }
}
