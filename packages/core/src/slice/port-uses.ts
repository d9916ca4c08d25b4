import { omitUndefined } from '../platform/omit-undefined.js'
import {
  type LeaseRecord,
  type Line,
  parseLease,
  parseLine,
  parsePort,
  timeFrom,
} from './slice-record.js'

/** A port from hand-out to release, as the journals show it. */
export interface JournaledUse {
  /** Missing if the line of the lease is lost. */
  lease?: LeaseRecord
  claimer?: { pid: number; command: string; cwd: string }
  label?: string
  key?: string
  /** The times are in ISO 8601. */
  since?: string
  until?: string
  /** Missing if unknown. */
  end?: 'released' | 'leaked' | 'died'
  quarantinedUntil?: string
}

/** In the order of the lines, because a clock may be set back. Lines in both files count once. Skips garbled lines. */
export function parseUses(text: string, port: number): JournaledUse[] {
  const parser = new UsesParser(port)
  for (const row of text.split('\n')) {
    const line = parseLine(row)
    if (line) parser.read(line)
  }
  return parser.result
}

class UsesParser {
  readonly #all: JournaledUse[] = []
  readonly #claims: JournaledUse[] = []
  readonly #port: number
  readonly #byId = new Map<string, JournaledUse>()
  #current: JournaledUse | undefined
  #lease: LeaseRecord | undefined

  constructor(port: number) {
    this.#port = port
  }

  read(line: Line): void {
    if (line.event === 'lease') this.#begin(parseLease(line))
    else if (line.event === 'end') this.#close('died', timeFrom(line.at))
    else if (line.port !== this.#port) return
    else if (line.event === 'take') this.#take(line)
    else if (line.event === 'release') this.#release(line)
    else if (line.event === 'quarantine') this.#quarantine(line)
    else if (line.event === 'claim') this.#claim(line)
  }

  #begin(lease: LeaseRecord | undefined): void {
    // A journal that was written again begins with the same lease.
    if (!lease || (this.#lease && idOf(lease) === idOf(this.#lease))) return
    this.#close('died')
    this.#lease = lease
  }

  #take(line: Line): void {
    const use = this.#useOf(line)
    if (!use) return
    const id = `${this.#lease && idOf(this.#lease)} ${use.since} ${use.label}`
    const known = this.#byId.get(id)
    if (!known) {
      this.#close('released') // The line about its release is lost.
      this.#byId.set(id, use)
      this.#all.push(use)
    }
    this.#current = known ?? use
  }

  #release(line: Line): void {
    this.#close(line.leaked === true ? 'leaked' : 'released', timeFrom(line.at))
  }

  #quarantine(line: Line): void {
    const until = timeFrom(line.until)
    const found = this.#useOf(line)
    if (!found) return
    const known = this.#all.findLast(({ since, label }) => {
      return since === found.since && label === found.label
    })
    const use: JournaledUse = known ?? { ...found, end: 'died' }
    // The line was written by the next holder.
    if (!known) {
      delete use.lease
      this.#all.push(use)
    }
    use.end = 'died'
    if (until !== undefined) use.quarantinedUntil = until
  }

  /** The lines of claims are in the history, before the lines of a journal that continues. */
  get result(): JournaledUse[] {
    const merged = [...this.#all]
    for (const claim of this.#claims) {
      const before = merged.findLastIndex(({ since = '' }) => since <= (claim.since ?? ''))
      merged.splice(before + 1, 0, claim)
    }
    return merged
  }

  /** One line describes the whole claim. The claimer has written it, not the holder of the slice. */
  #claim(line: Line): void {
    const { pid, command, cwd } = line
    if (!Number.isInteger(pid) || typeof command !== 'string' || typeof cwd !== 'string') return
    this.#claims.push({
      claimer: { pid: pid as number, command, cwd },
      ...omitUndefined({ since: timeFrom(line.at), until: timeFrom(line.until) }),
      end: 'released',
    })
  }

  #close(end: NonNullable<JournaledUse['end']>, until?: string): void {
    const use = this.#current
    if (!use || use.end !== undefined) return
    use.end = end
    if (until !== undefined) use.until = until
  }

  #useOf(line: Line): JournaledUse | undefined {
    const found = parsePort(line, this.#lease)
    if (!found) return undefined
    const { label, key, since } = found
    return omitUndefined({ lease: this.#lease, label, key, since })
  }
}

function idOf({ host, pid, startedAt, at }: LeaseRecord): string {
  return `${host} ${pid} ${startedAt} ${at}`
}
