/** Who holds which slice, which ports are out, and for what. */
import { readdirSync } from 'node:fs'
import { lockDirectoryFor } from '../options/lock-directory.js'
import { checkListOptions } from '../options/options.js'
import { Date } from '../platform/clock.js'
import { hostIdentity, isProcess } from '../platform/host.js'
import { isUdpPortHeld } from '../probe/held-udp.js'
import { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from '../probe/listening.js'
import type { JournalLease } from './journal.js'
import { type LastHolder, quarantineOf, readLastHolder } from './last-holder.js'
import { type SliceStart, sentinelOf, sliceOf } from './layout.js'
import { sliceOfJournal } from './lock-directory.js'

/**
 * A lock refreshed within so many ms is a live holder's; one is refreshed every 5 s, and late
 * when its holder's event loop is blocked, which then only its pid tells.
 */
const SURELY_ALIVE = 12_000

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
  /** Who holds or held it; missing where the journal lies in another lock directory. */
  holder?: SliceHolderStatus
  /** The ports that are not simply free, ascending. */
  ports: PortStatus[]
}

/** Who holds or held a slice, as its journal says. */
export interface SliceHolderStatus extends Omit<JournalLease, 'at'> {
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
  const folder = lockDirectoryFor(options.lockDirectory)
  const known = folder === undefined ? new Set<SliceStart>() : slicesWithJournal(folder)
  const held = await heldSlices(known)
  // Read when it is first needed: it takes longer than all the rest, and often nothing is out.
  let table: Promise<ReadonlySet<number> | undefined> | undefined
  const listening = () => {
    table ??= listeningPorts()
    return table
  }

  const statuses: SliceStatus[] = []
  for (const first of [...new Set([...known, ...held])].sort((a, b) => a - b)) {
    const last = folder === undefined ? undefined : readLastHolder(folder, first)
    const isHeld = held.has(first)
    const isByLast = isHeld && last !== undefined && isAlive(last)
    const ports = last ? await portsOf(last, first, isByLast, listening) : []
    if (!isHeld && ports.length === 0) continue
    statuses.push({
      first,
      last: sentinelOf(first),
      state: isHeld ? 'held' : 'abandoned',
      ...(last?.lease && (isByLast || !isHeld) && { holder: statusOf(last.lease) }),
      ports,
    })
  }
  return statuses
}

/**
 * Whether the sentinel is likely held by whom the journal names, and not by somebody whose
 * journal lies in another lock directory. Without a lock it has ended in good order.
 */
function isAlive({ lockedAt, lease }: LastHolder): boolean {
  if (lockedAt === undefined || !lease) return false
  if (Date.now() - lockedAt < SURELY_ALIVE) return true
  return lease.host === hostIdentity() && isProcess(lease.pid)
}

function statusOf({ at, ...lease }: JournalLease): SliceHolderStatus {
  return { ...lease, since: at }
}

function slicesWithJournal(folder: string): Set<SliceStart> {
  try {
    const slices = readdirSync(folder).map(sliceOfJournal)
    return new Set(slices.filter((slice) => slice !== undefined))
  } catch {
    return new Set() // Nobody of this user has leased anything yet.
  }
}

/** The kernel's table tells all sentinels at once; where there is none, each known one is tried. */
async function heldSlices(known: ReadonlySet<SliceStart>): Promise<Set<SliceStart>> {
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
  last: LastHolder,
  slice: SliceStart,
  isHeld: boolean,
  listening: () => Promise<ReadonlySet<number> | undefined>,
): Promise<PortStatus[]> {
  const quarantine = quarantineOf(last, slice, Date.now())
  const ports: PortStatus[] = []
  for (const { port, state, label, key, since } of last.ports) {
    if (sliceOf(port) !== slice) continue
    const isListened = (await listening())?.has(port) ?? (await isListening(port))
    const until = quarantine.get(port)?.until
    const status = {
      port,
      ...(label !== undefined && { label }),
      ...(key !== undefined && { key }),
      ...(since !== undefined && { since: new Date(since).toISOString() }),
      listening: isListened,
    }
    if (state === 'leaked' ? isListened : state === 'out' && isHeld) {
      ports.push({ state, ...status })
    } else if (until !== undefined) {
      ports.push({ state: 'quarantined', ...status, until: new Date(until).toISOString() })
    }
  }
  return ports.sort((a, b) => a.port - b.port)
}
