import { readdirSync } from 'node:fs'
import { Date } from '../platform/clock.js'
import { hostIdentity } from '../platform/host.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { processStateOf } from '../platform/process-run.js'
import { isUdpPortHeld } from '../probe/hold-udp-port.js'
import { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import { lockToken } from './find-lock.js'
import { type SliceStart, sentinelOf, sliceOf } from './layout.js'
import { askLiveness } from './liveness.js'
import { findHolderState } from './lock-holder.js'
import { journalPath, livenessPath, sliceOfJournal } from './slice-paths.js'
import {
  holderFrom,
  quarantineAfter,
  readSliceRecord,
  type SliceHolderStatus,
  type SliceRecord,
} from './slice-record.js'

/** Options of {@link listSlices}. */
export interface ListSlicesOptions {
  /** The lock directory; `false`: none. Default: as the option `lockDirectory` of an allocator. */
  lockDirectory?: string | false
  /** The host whose slices are listed, if it is not this machine; as the option of an allocator. */
  host?: string
  /** The URL of the coordinator of that host, as the option of an allocator. */
  coordinator?: string
}

/** A slice that is held, or in which a dead holder left ports. */
export interface SliceStatus {
  /** The first port. */
  first: number
  /** The last port: the sentinel, which is not handed out. */
  last: number
  /** `held` by a live process, or `abandoned` by a dead one with quarantined or leaked ports. */
  state: 'held' | 'abandoned'
  /** True if the holder is in another network namespace and may be dead. */
  unverified?: true
  /** The current or last holder; missing if its journal is in another lock directory. */
  holder?: SliceHolderStatus
  /** The ports that are out, leaked or quarantined, ascending. */
  ports: PortStatus[]
}

/** A port that is out, leaked or quarantined. */
export interface PortStatus {
  /** The port number. */
  port: number
  /** `out`: handed out. `leaked`: released while in use. `quarantined`: was out when its holder died. */
  state: 'out' | 'leaked' | 'quarantined'
  /** The option `label` of `take`, if given. */
  label?: string
  /** The option `key` of `take`, if given. */
  key?: string
  /** When this state began, ISO 8601; missing if unknown. */
  since?: string
  /** The end of the quarantine, ISO 8601. */
  until?: string
  /** Whether anything listens on it now. */
  listening: boolean
}

/** The slices of this machine, or only one of them, ascending. */
export async function listSlices(
  lockDirectory: string | undefined,
  only?: SliceStart,
): Promise<SliceStatus[]> {
  const isWanted = (slice: SliceStart) => only === undefined || slice === only
  const journals = lockDirectory === undefined ? [] : slicesWithJournal(lockDirectory)
  const known = new Set(only === undefined ? journals : [only])
  let sentinels = await heldSentinels(known)
  // Read on demand: it takes longer than the rest, and often no port is out.
  let table: Promise<ReadonlySet<number> | undefined> | undefined
  const listening = () => {
    table ??= listeningPorts()
    return table
  }

  const statuses: SliceStatus[] = []
  const slices = new Set([...journals, ...sentinels].filter(isWanted))
  for (const first of [...slices].sort((a, b) => a - b)) {
    let status = await statusFrom(lockDirectory, first, sentinels)
    // The slice may have been leased after the sentinels were read.
    if (!status.isHeld && status.record?.ports.length) {
      sentinels = await heldSentinels(known)
      status = await statusFrom(lockDirectory, first, sentinels)
    }
    const { record, isHeld, isInJournal, unverified } = status
    const ports = record ? await portStatuses(record, first, isInJournal, listening) : []
    if (!isHeld && ports.length === 0) continue
    statuses.push({
      first,
      last: sentinelOf(first),
      state: isHeld ? 'held' : 'abandoned',
      ...(unverified && { unverified }),
      ...(record?.lease && (isInJournal || !isHeld) && { holder: holderFrom(record.lease) }),
      ports,
    })
  }
  return statuses
}

interface Holding {
  record?: SliceRecord | undefined
  isHeld: boolean
  /** Whether the journal is that of the present holder. */
  isInJournal: boolean
  unverified?: true
}

async function statusFrom(
  lockDirectory: string | undefined,
  first: SliceStart,
  sentinels: ReadonlySet<SliceStart>,
): Promise<Holding> {
  if (lockDirectory === undefined) return { isHeld: true, isInJournal: false }
  const record = readSliceRecord(journalPath(lockDirectory, first))
  if (!sentinels.has(first)) return { record, ...(await heldElsewhere(lockDirectory, first)) }
  return {
    record,
    isHeld: true,
    isInJournal: await isHolderInJournalAlive(lockDirectory, first, record),
  }
}

/** Whether the holder in the journal is alive. The process with the sentinel may have another lock directory. */
async function isHolderInJournalAlive(
  lockDirectory: string,
  slice: SliceStart,
  record: SliceRecord | undefined,
): Promise<boolean> {
  const { lease, lock, ended } = record ?? {}
  if (!lease || ended) return false
  const isHere = lease.host === hostIdentity()
  const state = isHere ? processStateOf(lease.pid, lease) : 'unknown'
  if (state !== 'unknown' && lock !== undefined && lockToken(lockDirectory, slice) === lock) {
    return state === 'running'
  }
  return (await askLiveness(livenessPath(lockDirectory, slice))) === 'accepted'
}

/** Whether a holder in another network namespace has the slice. */
async function heldElsewhere(lockDirectory: string, slice: SliceStart): Promise<Holding> {
  // The sentinel is free here, so a holder on this host is dead.
  const context = { host: hostIdentity(), holdsSentinel: true }
  const state = await findHolderState(lockDirectory, slice, context)
  const isHeld = state === 'alive' || state === 'unknown'
  return { isHeld, isInJournal: isHeld, ...(state === 'unknown' && { unverified: true }) }
}

function slicesWithJournal(lockDirectory: string): SliceStart[] {
  try {
    const slices = readdirSync(lockDirectory).map(sliceOfJournal)
    return slices.filter((slice) => slice !== undefined)
  } catch {
    return [] // Usually: no process of this user has leased a slice yet.
  }
}

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

async function portStatuses(
  record: SliceRecord,
  slice: SliceStart,
  isHeld: boolean,
  listening: () => Promise<ReadonlySet<number> | undefined>,
): Promise<PortStatus[]> {
  const quarantine = new Map(quarantineAfter(record, slice).map((each) => [each.port, each.leftMs]))
  const ports: PortStatus[] = []
  for (const { port, state, label, key, since } of record.ports) {
    if (sliceOf(port) !== slice) continue
    const isListened = (await listening())?.has(port) ?? (await isListening(port))
    const status = omitUndefined({ port, label, key, since, listening: isListened })
    const leftMs = quarantine.get(port)
    if (state === 'leaked' ? isListened : state === 'out' && isHeld) {
      ports.push({ ...status, state })
    } else if (leftMs !== undefined) {
      const until = new Date(Date.now() + leftMs).toISOString()
      ports.push({ ...status, state: 'quarantined', until })
    }
  }
  return ports.sort((a, b) => a.port - b.port)
}
