import { type Deadline, deadlineIn, Date as RealDate } from '../platform/clock.js'
import { hasLiveDescendant } from '../platform/descendants.js'
import { events, skipPort } from '../platform/events.js'
import { elapsedSince, type KernelTime } from '../platform/kernel-time.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { AVOIDED_PORTS } from './avoided-ports.js'
import { formatLine, timestamp } from './journal.js'
import { isSameUse, KeyMemory, type KeyUse, variableOfKey } from './key-memory.js'
import { hash, PORTS_PER_SLICE, type SliceStart, sliceOf } from './layout.js'
import {
  keyUseOf,
  type PortRecord,
  QUARANTINE_MS,
  quarantineAfter,
  type SliceRecord,
} from './slice-record.js'

export interface PortPurpose {
  readonly label?: string | undefined
  readonly key?: string | undefined
}

export type PortOrder = 'sequential' | 'random'

interface Entry {
  readonly record: PortRecord
  /** Its lines in the journal. */
  readonly lines: string
  /** The end of the quarantine. */
  readonly until?: Deadline
}

/** The ports of a held slice: which are out, leaked or quarantined, and which to try next. */
export class PortTable {
  readonly #first: SliceStart
  readonly #projectRoot: string
  readonly #entries = new Map<number, Entry>()
  readonly #reserved = new Set<number>()
  readonly #keys = new KeyMemory()
  /** Where the next search begins, so that a released port is reused as late as possible. */
  #cursor = 0

  constructor(first: SliceStart, projectRoot: string) {
    this.#first = first
    this.#projectRoot = projectRoot
  }

  load(record: SliceRecord): void {
    for (const { leftMs, ...port } of quarantineAfter(record, this.#first)) {
      if (this.#entries.has(port.port)) continue
      this.quarantine(port, port.died, leftMs)
    }
    const own = [...record.keys].filter(([port]) => sliceOf(port) === this.#first)
    for (const [port, use] of own) this.#keys.note(port, use)
  }

  quarantine(port: Omit<PortRecord, 'state'>, died: KernelTime, leftMs: number): void {
    const record: PortRecord = { ...port, state: 'quarantined', died }
    const { state: _, since, ...about } = record
    const until = new RealDate(RealDate.now() + leftMs).toISOString()
    const lines = formatLine({ event: 'quarantine', ...about, at: since, until })
    this.#entries.set(port.port, { record, lines, until: deadlineIn(leftMs) })
    if (events.quarantine.hasSubscribers) {
      events.quarantine.publish({ port: port.port, label: port.label, leftMs })
    }
  }

  quarantineLeftMs(port: number): number {
    const { record, until } = this.#entries.get(port) ?? {}
    if (!record?.died || !until) return 0
    // The clock of the process is cheap, but may be a fake that runs too fast.
    const leftMs = until.expired ? QUARANTINE_MS - elapsedSince(record.died) : until.left
    if (leftMs <= 0) this.#entries.delete(port)
    return Math.max(0, leftMs)
  }

  /** True also while the port is being probed. */
  isOut(port: number): boolean {
    return this.#reserved.has(port) || this.#entries.get(port)?.record.state === 'out'
  }

  get counts(): Record<PortRecord['state'], number> {
    const counts = { out: 0, leaked: 0, quarantined: 0 }
    for (const { record, until } of this.#entries.values()) {
      if (!until?.expired) counts[record.state]++
    }
    return counts
  }

  get isInUse(): boolean {
    if (this.#reserved.size > 0) return true
    for (const { record } of this.#entries.values()) if (record.state === 'out') return true
    return false
  }

  reserve(ports: readonly number[]): void {
    for (const port of ports) this.#reserved.add(port)
  }

  unreserve(ports: readonly number[]): void {
    for (const port of ports) this.#reserved.delete(port)
  }

  /** @returns the line for the journal */
  take(port: number, { label, key }: PortPurpose): string {
    const use = this.#keyUse(key)
    const at = timestamp()
    const lines = formatLine({ event: 'take', port, label, key, at })
    this.#entries.set(port, {
      record: omitUndefined({ port, state: 'out' as const, label, ...use, since: at }),
      lines,
    })
    this.#keys.note(port, use)
    if (use === undefined) this.#cursor = (port - this.#first + 1) % PORTS_PER_SLICE
    return lines
  }

  /** @returns the line for the journal */
  release(port: number, leaked: boolean): string {
    const line = formatLine({
      event: 'release',
      port,
      leaked: leaked || undefined,
      at: timestamp(),
    })
    const entry = this.#entries.get(port)
    if (leaked && entry) {
      const record: PortRecord = { ...entry.record, state: 'leaked' }
      this.#entries.set(port, { record, lines: entry.lines + line })
    } else {
      this.#entries.delete(port)
    }
    return line
  }

  /** The lines of the journal, except for obsolete ones and the line of the lease. */
  lines(): string {
    const at = timestamp()
    const text: string[] = []
    for (const [port, use] of this.#keys) {
      if (this.#entries.has(port)) continue
      text.push(formatLine({ event: 'key', port, ...use, at }))
    }
    for (const { lines, until } of this.#entries.values()) {
      if (!until?.expired) text.push(lines)
    }
    return text.join('')
  }

  /** The first ports of runs: the last port of the key, then from the one at its hash on; ports of other keys last. */
  *candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    const positions = PORTS_PER_SLICE - keys.length + 1
    const uses = keys.map((key) => this.#keyUse(key))
    const isUsable = (offset: number) =>
      uses.every((use, index) => this.#isUsable(this.#first + offset + index, use))
    const isForOtherKey = (offset: number) =>
      uses.some((use, index) => this.#keys.isForAnother(this.#first + offset + index, use))

    const [use] = uses
    const last = use && this.#lastPortOf(use)
    if (last !== undefined) {
      const offset = last - this.#first
      if (offset < positions && isUsable(offset)) yield last
    }
    const begin = use === undefined ? this.#cursor : hash(use.key)
    const round =
      order === 'random' && use === undefined ? shuffled(positions) : rotated(begin, positions)
    const others: number[] = []
    for (const offset of round) {
      if (!isUsable(offset)) continue
      if (isForOtherKey(offset)) others.push(offset)
      else yield this.#first + offset
    }
    for (const offset of others) if (isUsable(offset)) yield this.#first + offset
  }

  #keyUse(key: string | undefined): KeyUse | undefined {
    return key === undefined ? undefined : { key, projectRoot: this.#projectRoot }
  }

  #lastPortOf(use: KeyUse): number | undefined {
    for (const { record } of this.#entries.values()) {
      if (record.state === 'quarantined' && isSameUse(keyUseOf(record), use)) return record.port
    }
    return this.#keys.portOf(use)
  }

  #isUsable(port: number, use: KeyUse | undefined): boolean {
    if (AVOIDED_PORTS.has(port) || this.#reserved.has(port)) return false
    const entry = this.#entries.get(port)
    if (entry?.record.state === 'out') return false
    const quarantined = this.quarantineLeftMs(port) > 0 ? entry?.record : undefined
    if (quarantined && !isSameUse(keyUseOf(quarantined), use)) {
      skipPort(port, 'quarantined')
      return false
    }
    return use === undefined || !this.#isWantedByOrphan(port, use, quarantined)
  }

  /** Whether a descendant of a dead run may still bind a named port. */
  #isWantedByOrphan(port: number, use: KeyUse, quarantined: PortRecord | undefined): boolean {
    const variable = variableOfKey(use.key)
    const wasItsPort = quarantined !== undefined || this.#keys.portOf(use) === port
    if (variable === undefined || !wasItsPort) return false
    return hasLiveDescendant({ variable, value: String(port), run: quarantined })
  }
}

function* rotated(begin: number, count: number): Generator<number> {
  for (let step = 0; step < count; step++) yield (begin + step) % count
}

function shuffled(count: number): number[] {
  const result = Array.from({ length: count }, (_, each) => each)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as number, result[i] as number]
  }
  return result
}
