/** Reads the journal of a slice: NDJSON that may be torn, garbled, or of another version or program. */
import { isOutOfDescriptors } from '../errors.js'
import {
  elapsedSince,
  isComparable,
  type KernelTime,
  kernelTime,
  parseKernelTime,
} from '../platform/kernel-time.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import type { ProcessRun } from '../platform/process-run.js'
import { KeyMemory, type KeyUse } from './key-memory.js'
import { type SliceStart, sentinelOf } from './layout.js'
import { readOwnFile } from './own-file.js'

/** The schema of `@portslice/postgres` contains it too, and clients of other versions share a server. */
export const QUARANTINE_MS = 30_000

const MAX_JOURNAL_BYTES = 1024 * 1024

/** The holder of a slice. */
export interface LeaseRecord extends ProcessRun {
  /** The pid of its process. */
  readonly pid: number
  /** See `hostIdentity`. */
  readonly host: string
  /** As `detectWorker` returns it. */
  readonly runner: string
  /** 1-based */
  readonly workerId: number
  /** `2/4` */
  readonly shard?: string
  /** The working directory. */
  readonly cwd: string
  /** The project root of the run. */
  readonly projectRoot: string
  /** The command with its arguments, at most 500 characters. */
  readonly command: string
  /** When it leased the slice, ISO 8601. */
  readonly at: string
}

/** The holder of a slice, as in its journal. */
export interface SliceHolderStatus extends Omit<LeaseRecord, 'at' | 'startedAt' | 'pidNamespace'> {
  /** When it leased the slice, ISO 8601. */
  since: string
}

export function holderFrom({
  at,
  startedAt: _,
  pidNamespace: __,
  ...lease
}: LeaseRecord): SliceHolderStatus {
  return { ...lease, since: at }
}

export interface PortRecord extends Partial<KeyUse>, ProcessRun {
  readonly port: number
  readonly state: 'out' | 'leaked' | 'quarantined'
  readonly label?: string
  readonly since?: string
  readonly died?: KernelTime
  readonly host?: string
}

export interface SliceRecord {
  readonly lease?: LeaseRecord
  readonly lock?: string
  /** Missing if the holder did not end normally. */
  readonly ended?: KernelTime
  readonly ports: readonly PortRecord[]
  readonly keys: KeyMemory
}

export interface Quarantined extends PortRecord {
  readonly state: 'quarantined'
  readonly died: KernelTime
  readonly leftMs: number
}

export function readSliceRecord(path: string): SliceRecord | undefined {
  const text = readJournalText(path)
  return text === undefined ? undefined : parseJournal(text)
}

export function readJournalText(path: string): string | undefined {
  try {
    return readOwnFile(path, MAX_JOURNAL_BYTES)?.text
  } catch (error) {
    if (isOutOfDescriptors(error)) throw error
    return undefined
  }
}

export type Line = Record<string, unknown>

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
      lease = parseLease(line) ?? lease
      lock = stringFrom(line.lock)
      continue
    }
    if (line.event === 'end') {
      ended = parseKernelTime(line.time)
      continue
    }
    const port = parsePort(line, lease)
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
  return omitUndefined({ lease, lock, ended, ports: [...ports.values()], keys })
}

export function keyUseOf({ key, projectRoot = '' }: Partial<KeyUse>): KeyUse | undefined {
  return key === undefined ? undefined : { key, projectRoot }
}

/** Counts from now, unless the recorded time of death is one of this kernel and this boot. */
export function quarantineSince(
  recorded: KernelTime | undefined,
  now = kernelTime(),
): { died: KernelTime; leftMs: number } {
  const died = recorded && isComparable(recorded, now) ? recorded : now
  return { died, leftMs: QUARANTINE_MS - elapsedSince(died, now) }
}

/** The ports that are quarantined now, if the holder that wrote the journal is dead. */
export function quarantineAfter(
  { ports, lease, ended }: Pick<SliceRecord, 'ports' | 'lease' | 'ended'>,
  slice: SliceStart,
  at?: KernelTime,
): Quarantined[] {
  const affected = ports.filter(
    ({ port, state }) => state !== 'leaked' && port >= slice && port < sentinelOf(slice),
  )
  if (affected.length === 0) return []
  const now = at ?? kernelTime()
  const { host, startedAt, pidNamespace } = lease ?? {}
  const run = omitUndefined({ host, startedAt, pidNamespace })
  return affected
    .map((record): Quarantined => {
      const quarantine = quarantineSince(record.state === 'out' ? ended : record.died, now)
      return { ...(record.state === 'out' && run), ...record, state: 'quarantined', ...quarantine }
    })
    .filter(({ leftMs }) => leftMs > 0)
}

export function parseLine(row: string): Line | undefined {
  if (!row.startsWith('{')) return undefined
  try {
    const line: unknown = JSON.parse(row)
    return typeof line === 'object' && line !== null ? (line as Line) : undefined
  } catch {
    return undefined
  }
}

export function parseLease(line: Line): LeaseRecord | undefined {
  const { v, pid, workerId } = line
  const strings = [line.host, line.runner, line.cwd, line.command, line.at]
  const isValid =
    v === 1 &&
    Number.isInteger(pid) &&
    Number.isInteger(workerId) &&
    strings.every((each) => typeof each === 'string')
  if (!isValid) return undefined
  return omitUndefined({
    pid: pid as number,
    host: line.host as string,
    runner: line.runner as string,
    workerId: workerId as number,
    shard: stringFrom(line.shard),
    cwd: line.cwd as string,
    projectRoot: stringFrom(line.projectRoot) ?? (line.cwd as string),
    command: line.command as string,
    at: line.at as string,
    startedAt: stringFrom(line.startedAt),
    pidNamespace: stringFrom(line.pidNamespace),
  })
}

export function parsePort(
  line: Line,
  lease: LeaseRecord | undefined,
): Omit<PortRecord, 'state'> | undefined {
  const { port } = line
  if (typeof port !== 'number' || !Number.isInteger(port)) return undefined
  const key = stringFrom(line.key)
  const projectRoot = stringFrom(line.projectRoot) ?? lease?.projectRoot ?? ''
  return omitUndefined({
    port,
    since: timeFrom(line.at),
    label: stringFrom(line.label),
    key,
    projectRoot: key === undefined ? undefined : projectRoot,
    startedAt: stringFrom(line.startedAt),
    pidNamespace: stringFrom(line.pidNamespace),
    host: line.event === 'quarantine' ? stringFrom(line.host) : undefined,
  })
}

export function stringFrom(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** Formatted again, because `Date.parse` accepts any text in parentheses. */
export function timeFrom(value: unknown): string | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : Number.NaN
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}
