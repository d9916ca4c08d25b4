import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { AllocatorOptions } from '@portslice/core'
import { overlaps, readIntervals } from '../support/intervals.ts'
import type { ProcessOptions, TestProcess } from '../support/process.ts'
import type { FaultProcesses } from './fault-processes.ts'
import type { Done, Plan } from './processes/take-for-a-while.ts'
import { chownTo } from './unprivileged-users.ts'

/** Processes that take ports of one small range at the same time. */
export class StressTest {
  readonly #group: FaultProcesses
  readonly #folder: string
  readonly #pace: Pick<Plan, 'during' | 'growTo'>
  readonly #notes: string[] = []
  readonly #processes: TestProcess[] = []

  constructor(group: FaultProcesses, folder: string, pace: Pick<Plan, 'during' | 'growTo'>) {
    this.#group = group
    this.#folder = folder
    this.#pace = pace
  }

  /** Starts another process, and waits until it holds a slice. */
  async join(options: AllocatorOptions, start: ProcessOptions = {}): Promise<void> {
    const notes = path.join(this.#folder, `notes-${this.#notes.length}.ndjson`)
    writeFileSync(notes, '')
    if (start.uid !== undefined) chownTo(start.uid, notes)
    this.#notes.push(notes)
    const plan: Plan = {
      options: { waitTimeout: 60_000, ...options },
      ...this.#pace,
      atOnce: 4,
      notes,
    }
    const member = this.#group.start('take-for-a-while', plan, start)
    this.#processes.push(member)
    await member.hear()
  }

  /**
   * Waits until all are done.
   *
   * @returns what went wrong: overlaps, more than one warning per process, processes that failed
   */
  async end(): Promise<{ handOuts: number; warnings: number; broken: string[] }> {
    const broken: string[] = []
    let warnings = 0
    for (const member of this.#processes) {
      const done = await member.hear<Done>(this.#pace.during + 60_000).catch((error: Error) => {
        broken.push(error.message)
      })
      await member.untilEnded()
      const heard = done?.warnings ?? []
      warnings += heard.length
      const unfit = heard.length > 1 || heard.some((text) => !text.startsWith('PortsliceWarning'))
      if (unfit) broken.push(`A process printed unexpected warnings: ${heard.join(' ')}`)
    }
    const intervals = readIntervals(...this.#notes)
    const never = intervals.filter(({ to }) => to === undefined)
    if (broken.length === 0 && never.length > 0) broken.push('A port was never given back.')
    for (const [{ port }] of overlaps(intervals)) broken.push(`Port ${port} was out twice.`)
    return { handOuts: intervals.length, warnings, broken }
  }
}
