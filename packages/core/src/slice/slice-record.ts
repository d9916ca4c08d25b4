/**
 * What the journal of a slice says: who leases it, which ports are out, which are quarantined.
 *
 * A journal is append-only NDJSON, written for the holder after a crash and for people. It is read
 * with distrust: it may be torn, garbled, of another version or of another program.
 */
import { isOutOfDescriptors } from '../errors.js'
import {
  elapsedSince,
  isComparable,
  type KernelTime,
  kernelTime,
  parseKernelTime,
} from '../platform/kernel-time.js'
import type { ProcessRun } from '../platform/process-run.js'
import { KeyMemory, type KeyUse } from './key-memory.js'
import { type SliceStart, sentinelOf } from './layout.js'
import { readOwnFile } from './own-file.js'

/** How long a port that was out when its holder died is not handed out, in ms. */
export const QUARANTINE_MS = 30_000

/** No journal of ours is larger, so no more is read of one. Bytes. */
const LARGEST_JOURNAL = 1024 * 1024

/** Who leases a slice. */
export interface LeaseRecord extends ProcessRun {
  /** Of the process that leases it. */
  readonly pid: number
  /** Boot and network namespace: see `hostIdentity`. */
  readonly host: string
  /** As of `detectWorker`. */
  readonly runner: string
  /** 1-based */
  readonly workerId: number
  /** `2/4` */
  readonly shard?: string
  /** The directory it was started in. */
  readonly cwd: string
  /** The checkout that the run belongs to. */
  readonly projectRoot: string
  /** With its arguments, at most 500 characters. */
  readonly command: string
  /** When it leased the slice, ISO 8601. */
  readonly at: string
}

/** A port that is not simply free. */
export interface PortRecord extends Partial<KeyUse>, ProcessRun {
  readonly port: number
  readonly state: 'out' | 'leaked' | 'quarantined'
  readonly label?: string
  /** Since when it is so, ISO 8601, for people. */
  readonly since?: string
  /** Of a quarantined port: when the death was discovered. */
  readonly died?: KernelTime
  /** Of a quarantined port: where it was out. In another network namespace it is another port. */
  readonly host?: string
}

/** All that a journal says. */
export interface SliceRecord {
  readonly lease?: LeaseRecord
  /** The token of the lock that the holder made: see `lock.ts`. */
  readonly lock?: string
  /** When the holder ended in good order, in the kernel's time; missing when it did not. */
  readonly ended?: KernelTime
  readonly ports: readonly PortRecord[]
  readonly keys: KeyMemory
}

/** A port in quarantine, and for how long. */
export interface Quarantined extends PortRecord {
  readonly state: 'quarantined'
  readonly died: KernelTime
  readonly host?: string
  /** Milliseconds that are left, at least. */
  readonly left: number
}

/**
 * Reads a journal; `undefined` when there is none, or none that can be read as a file.
 *
 * @throws the system's error when the process has no more file descriptors
 */
export function readSliceRecord(path: string): SliceRecord | undefined {
  try {
    const found = readOwnFile(path, LARGEST_JOURNAL)
    return found && parseJournal(found.text)
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
}

type Line = Record<string, unknown>

/** Reads the lines of a journal; those that make no sense are skipped. */
export function parseJournal(text: string): SliceRecord {
  let lease: LeaseRecord | undefined
  let lock: string | undefined
  let ended: KernelTime | undefined
  const ports = new Map<number, PortRecord>()
  const keys = new KeyMemory()
  for (const row of text.split('\n')) {
    const line = parseLine(row)
    if (line === undefined) continue
    if (line.event === 'lease') {
      lease = leaseFrom(line) ?? lease
      lock = textFrom(line.lock)
      continue
    }
    if (line.event === 'end') {
      ended = parseKernelTime(line.time)
      continue
    }
    const port = portFrom(line, lease)
    if (port === undefined) continue
    if (line.event === 'take') {
      ports.set(port.port, { ...port, state: 'out' })
      keys.note(port.port, keyUseOf(port))
    } else if (line.event === 'key') {
      keys.note(port.port, keyUseOf(port))
    } else if (line.event === 'release') {
      if (line.leaked !== true) ports.delete(port.port)
      else ports.set(port.port, { ...ports.get(port.port), ...port, state: 'leaked' })
    } else if (line.event === 'quarantine') {
      const died = parseKernelTime(line.died)
      ports.set(port.port, { ...port, state: 'quarantined', ...(died && { died }) })
    }
  }
  return {
    ...(lease && { lease }),
    ...(lock !== undefined && { lock }),
    ...(ended && { ended }),
    ports: [...ports.values()],
    keys,
  }
}

/** The key of a port record, with its project. */
export function keyUseOf({ key, projectRoot = '' }: Partial<KeyUse>): KeyUse | undefined {
  return key === undefined ? undefined : { key, projectRoot }
}

/**
 * The ports that the next holder of a slice must leave alone. A death counts from the moment it is
 * discovered, which is now, unless an earlier holder has written down that it discovered it.
 */
export function quarantineAfter(
  { ports, lease, ended }: Pick<SliceRecord, 'ports' | 'lease' | 'ended'>,
  slice: SliceStart,
  now = kernelTime(),
): Quarantined[] {
  const of = {
    ...(lease && { host: lease.host }),
    ...(lease?.startedAt !== undefined && { startedAt: lease.startedAt }),
    ...(lease?.pidNamespace !== undefined && { pidNamespace: lease.pidNamespace }),
  }
  return ports
    .filter(({ port, state }) => state !== 'leaked' && port >= slice && port < sentinelOf(slice))
    .map((record): Quarantined => {
      const noted = record.state === 'out' ? ended : record.died
      // What another kernel has counted, or this one before a boot, says nothing: it is discovered now.
      const died = noted && isComparable(noted, now) ? noted : now
      const left = QUARANTINE_MS - elapsedSince(died, now)
      return { ...(record.state === 'out' && of), ...record, state: 'quarantined', died, left }
    })
    .filter(({ left }) => left > 0)
}

function parseLine(row: string): Line | undefined {
  if (!row.startsWith('{')) return undefined
  try {
    const line: unknown = JSON.parse(row)
    return typeof line === 'object' && line !== null ? (line as Line) : undefined
  } catch {
    return undefined
  }
}

function leaseFrom(line: Line): LeaseRecord | undefined {
  const { v, pid, workerId } = line
  const texts = [line.host, line.runner, line.cwd, line.command, line.at]
  const isValid =
    v === 1 &&
    Number.isInteger(pid) &&
    Number.isInteger(workerId) &&
    texts.every((text) => typeof text === 'string')
  if (!isValid) return undefined
  return {
    pid: pid as number,
    host: line.host as string,
    runner: line.runner as string,
    workerId: workerId as number,
    ...optional(line, 'shard'),
    cwd: line.cwd as string,
    projectRoot: textFrom(line.projectRoot) ?? (line.cwd as string),
    command: line.command as string,
    at: line.at as string,
    ...optional(line, 'startedAt'),
    ...optional(line, 'pidNamespace'),
  }
}

function portFrom(
  line: Line,
  lease: LeaseRecord | undefined,
): Omit<PortRecord, 'state'> | undefined {
  const { port } = line
  if (typeof port !== 'number' || !Number.isInteger(port)) return undefined
  const since = textFrom(line.at)
  return {
    port,
    ...(since !== undefined && !Number.isNaN(Date.parse(since)) && { since }),
    ...optional(line, 'label'),
    ...optional(line, 'key'),
    ...(textFrom(line.key) !== undefined && {
      projectRoot: textFrom(line.projectRoot) ?? lease?.projectRoot ?? '',
    }),
    ...optional(line, 'startedAt'),
    ...optional(line, 'pidNamespace'),
    ...(line.event === 'quarantine' && optional(line, 'host')),
  }
}

function textFrom(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function optional<K extends string>(line: Line, name: K): { [P in K]?: string } {
  const text = textFrom(line[name])
  return (text === undefined ? {} : { [name]: text }) as { [P in K]?: string }
}
