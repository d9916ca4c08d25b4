/** Who holds which slice, which ports are out, and for what. */
import { readdirSync } from 'node:fs'
import { type SliceStart, sentinelOf, sliceOf } from './arithmetic/slices.js'
import { isListening, listeningPorts, unconnectedUdpPortsOnLoopback } from './port/listening.js'
import { Date } from './real-time.js'
import { checkOptions } from './settings/options.js'
import { lockDirectoryFor } from './settings/settings.js'
import { type Journal, type JournalLease, quarantineAfter, readJournal } from './slice/journal.js'
import { journalPath, sliceOfJournal } from './slice/lock-directory.js'
import { holdSentinel } from './slice/sentinel.js'

export interface ListSlicesOptions {
  /** Default: as in {@link AllocatorOptions.lockDirectory}. */
  lockDirectory?: string
}

export interface SliceStatus {
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

export interface SliceHolderStatus {
  pid: number
  /** Boot and network namespace. */
  host: string
  runner: string
  /** 1-based */
  workerId: number
  /** `2/4` */
  shard?: string
  /** The folder it was started in. */
  cwd: string
  command: string
  /** ISO 8601 */
  since: string
}

export interface PortStatus {
  port: number
  /** `out`: handed out. `leaked`: given back while something listened. `quarantined`: was out when its holder died. */
  state: 'out' | 'leaked' | 'quarantined'
  label?: string
  key?: string
  /** ISO 8601 */
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
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 */
export async function listSlices(options: ListSlicesOptions = {}): Promise<SliceStatus[]> {
  checkOptions(options, {
    lockDirectory: (value) =>
      typeof value === 'string' ? undefined : 'Give the path of a folder.',
  })
  const folder = lockDirectoryFor(options.lockDirectory)
  const journals = journalsIn(folder)
  const [held, listening] = await Promise.all([heldSlices(journals), listeningPorts()])
  const slices = [...new Set([...journals.keys(), ...held])].sort((a, b) => a - b)

  const statuses: SliceStatus[] = []
  for (const first of slices) {
    const journal = journals.get(first)
    const isHeld = held.has(first)
    const ports = journal ? await portsIn(journal, first, isHeld, listening) : []
    if (!isHeld && ports.length === 0) continue
    statuses.push({
      first,
      last: sentinelOf(first),
      state: isHeld ? 'held' : 'abandoned',
      ...(journal?.lease && { holder: holderOf(journal.lease) }),
      ports,
    })
  }
  return statuses
}

function holderOf({ at, ...lease }: JournalLease): SliceHolderStatus {
  return { ...lease, since: at }
}

function journalsIn(folder: string): Map<SliceStart, Journal> {
  const journals = new Map<SliceStart, Journal>()
  let names: string[]
  try {
    names = readdirSync(folder)
  } catch {
    return journals // Nobody of this user has leased anything yet.
  }
  for (const name of names) {
    const slice = sliceOfJournal(name)
    const journal = slice === undefined ? undefined : readJournal(journalPath(folder, slice))
    if (slice !== undefined && journal) journals.set(slice, journal)
  }
  return journals
}

/** The kernel's table tells all sentinels at once; where there is none, each known one is tried. */
async function heldSlices(journals: ReadonlyMap<SliceStart, Journal>): Promise<Set<SliceStart>> {
  const sockets = await unconnectedUdpPortsOnLoopback()
  if (sockets) {
    return new Set([...sockets].filter((port) => port === sentinelOf(sliceOf(port))).map(sliceOf))
  }
  const held = new Set<SliceStart>()
  for (const slice of journals.keys()) {
    const sentinel = await holdSentinel(slice)
    if (sentinel) await sentinel.close()
    else held.add(slice)
  }
  return held
}

async function portsIn(
  journal: Journal,
  slice: SliceStart,
  isHeld: boolean,
  listening: ReadonlySet<number> | undefined,
): Promise<PortStatus[]> {
  const now = Date.now()
  const quarantine = new Map(
    quarantineAfter(journal, slice, now).map((entry) => [entry.port, entry]),
  )
  const ports: PortStatus[] = []
  for (const { port, state, label, key, since } of journal.ports) {
    if (sliceOf(port) !== slice) continue
    const isListened = listening ? listening.has(port) : await isListening(port)
    const status: PortStatus = {
      port,
      state,
      ...(label !== undefined && { label }),
      ...(key !== undefined && { key }),
      ...(since > 0 && { since: new Date(since).toISOString() }),
      listening: isListened,
    }
    if (state === 'leaked') {
      if (isListened) ports.push(status)
      continue
    }
    if (state === 'out' && isHeld) {
      ports.push(status)
      continue
    }
    const until = quarantine.get(port)?.until
    if (until !== undefined) {
      ports.push({ ...status, state: 'quarantined', until: new Date(until).toISOString() })
    }
  }
  return ports.sort((a, b) => a.port - b.port)
}
