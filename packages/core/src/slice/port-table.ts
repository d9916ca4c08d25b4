/** The ports of a held slice: what is out, leaked or quarantined, and what may be handed out next. */
import { type Deadline, deadlineIn, Date as RealDate } from '../platform/clock.js'
import { hasLiveDescendant } from '../platform/descendants.js'
import { elapsedSince, type KernelTime } from '../platform/kernel-time.js'
import { AVOIDED_PORTS } from './avoided-ports.js'
import { formatLine } from './journal.js'
import { isSameUse, KeyMemory, type KeyUse, variableOfKey } from './key-memory.js'
import { hash, PORTS_PER_SLICE, type SliceStart, sliceOf } from './layout.js'
import {
  keyUseOf,
  type PortRecord,
  QUARANTINE_MS,
  quarantineAfter,
  type SliceRecord,
} from './slice-record.js'

/** What a port is taken for. */
export interface PortUse {
  readonly label?: string | undefined
  readonly key?: string | undefined
}

/** In which order the ports of a slice are tried. */
export type PortOrder = 'sequential' | 'random'

interface Entry {
  readonly record: PortRecord
  /** The lines of the journal that say so. */
  readonly lines: string
  /** Of a quarantined port: until when. */
  readonly until?: Deadline
}

export class PortTable {
  readonly #first: SliceStart
  readonly #projectRoot: string
  /** Every port that is not simply free. */
  readonly #entries = new Map<number, Entry>()
  /** Ports that are being probed, so that nothing else hands them out meanwhile. */
  readonly #reserved = new Set<number>()
  readonly #keys = new KeyMemory()
  /** Where the next round begins, so that a port just released is the last to come back. */
  #cursor = 0

  constructor(first: SliceStart, projectRoot: string) {
    this.#first = first
    this.#projectRoot = projectRoot
  }

  /** Takes over what the journal of the last holder says. */
  recall(record: SliceRecord): void {
    for (const { left, ...port } of quarantineAfter(record, this.#first)) {
      if (this.#entries.has(port.port)) continue
      this.quarantine(port, port.died, left)
    }
    // A journal may name any port.
    const own = [...record.keys].filter(([port]) => sliceOf(port) === this.#first)
    for (const [port, use] of own) this.#keys.note(port, use)
  }

  /**
   * Keeps a port from being handed out for a while.
   *
   * @param died when the death of its holder was discovered
   * @param left for how long from now, in ms
   */
  quarantine(port: Omit<PortRecord, 'state'>, died: KernelTime, left: number): void {
    const record: PortRecord = { ...port, state: 'quarantined', died }
    const { state: _, since, ...about } = record
    const until = new RealDate(RealDate.now() + left).toISOString()
    const lines = formatLine({ event: 'quarantine', ...about, at: since, until })
    this.#entries.set(port.port, { record, lines, until: deadlineIn(left) })
  }

  /** For how long a port is still quarantined, in ms; 0 when it is not. */
  quarantineLeft(port: number): number {
    const { record, until } = this.#entries.get(port) ?? {}
    if (!record?.died || !until) return 0
    // This process' own clock is asked first, as that is cheap. It may be faked, and run too fast.
    const left = until.expired ? QUARANTINE_MS - elapsedSince(record.died) : until.left
    if (left <= 0) this.#entries.delete(port)
    return Math.max(0, left)
  }

  isOut(port: number): boolean {
    return this.#entries.get(port)?.record.state === 'out'
  }

  isReserved(port: number): boolean {
    return this.#reserved.has(port)
  }

  get counts(): Record<PortRecord['state'], number> {
    const counts = { out: 0, leaked: 0, quarantined: 0 }
    for (const { record, until } of this.#entries.values()) {
      if (!until?.expired) counts[record.state]++
    }
    return counts
  }

  /** Whether a port is out, or about to be. */
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
  take(port: number, { label, key }: PortUse): string {
    const use = this.#keyUse(key)
    const at = timestamp()
    const lines = formatLine({ event: 'take', port, label, key, at })
    this.#entries.set(port, {
      record: {
        port,
        state: 'out',
        ...(label !== undefined && { label }),
        ...use,
        since: at,
      },
      lines,
    })
    this.#keys.note(port, use)
    // A key says where to look; the round of the others goes on from where it was.
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

  /** All lines of a journal that still count, but that of the lease. */
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

  /**
   * The runs of consecutive ports that may be handed out now, by their first ports; `keys` has an
   * entry for each port of a run.
   *
   * With a key: first the port that it had last, then the one that the key itself points at, so
   * that it is found again without any memory. Ports that other keys had come last.
   */
  *candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    const positions = PORTS_PER_SLICE - keys.length + 1
    const uses = keys.map((key) => this.#keyUse(key))
    const isUsable = (offset: number) =>
      uses.every((use, index) => this.#isUsable(this.#first + offset + index, use))
    const isForOthers = (offset: number) =>
      uses.some((use, index) => this.#keys.isForAnother(this.#first + offset + index, use))

    const [use] = uses
    const last = use && this.#lastPortOf(use)
    if (last !== undefined) {
      const offset = last - this.#first
      if (offset < positions && isUsable(offset)) yield last
    }
    const begin = use === undefined ? this.#cursor : hash(use.key)
    const round =
      order === 'random' && use === undefined ? shuffled(positions) : roundFrom(begin, positions)
    const others: number[] = []
    for (const offset of round) {
      if (!isUsable(offset)) continue
      if (isForOthers(offset)) others.push(offset)
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
    const quarantined = this.quarantineLeft(port) > 0 ? entry?.record : undefined
    if (quarantined && !isSameUse(keyUseOf(quarantined), use)) return false
    return use === undefined || !this.#isWantedByOrphan(port, use, quarantined)
  }

  /** Of a named port: whether a process is left that the dead run has told to bind it. */
  #isWantedByOrphan(port: number, use: KeyUse, quarantined: PortRecord | undefined): boolean {
    const variable = variableOfKey(use.key)
    const wasItsPort = quarantined !== undefined || this.#keys.portOf(use) === port
    if (variable === undefined || !wasItsPort) return false
    return hasLiveDescendant({ variable, value: String(port), run: quarantined })
  }
}

/** The text of the time that was asked for last: there are many takes and releases in a millisecond. */
let lastTime = { ms: 0, text: '' }

function timestamp(): string {
  const ms = RealDate.now()
  if (ms !== lastTime.ms) lastTime = { ms, text: new RealDate(ms).toISOString() }
  return lastTime.text
}

function* roundFrom(begin: number, count: number): Generator<number> {
  for (let step = 0; step < count; step++) yield (begin + step) % count
}

/** 0 to `count` - 1, each once (Fisher–Yates). */
function shuffled(count: number): number[] {
  const result = Array.from({ length: count }, (_, each) => each)
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1))
    ;[result[i], result[j]] = [result[j] as number, result[i] as number]
  }
  return result
}
