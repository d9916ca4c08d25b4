/**
 * Runs workers of any kind, and again and again ends one at a random moment and starts another. Argument: a JSON of {@link ChurnPlan}. Prints a JSON of {@link Churned}.
 */
import { statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AllocatorOptions } from '@portslice/core'
import { readIntervals } from '../../support/intervals.ts'
import type { ChurnWorkerPlan } from './churn-worker.ts'

export interface ChurnPlan {
  options: AllocatorOptions
  folder: string
  workers: number
  /** How many to end. */
  ends: number
  /** The longest from a worker's first port, or its start, until it is ended, in ms. */
  longest: number
}

export interface Churned {
  handOuts: number
  /** Ends that met a worker with a port out. */
  withPortOut: number
  failures: string[]
}

interface Worker {
  /** Resolves with the error if it ends by itself. */
  failed: Promise<unknown>
  end(): Promise<void>
}

/** Bounded, as a worker may fail before it has a port. */
async function untilNoted(notes: string): Promise<void> {
  for (let i = 0; i < 2000 && statSync(notes).size === 0; i++) await sleep(10)
}

export async function churn(start: (plan: ChurnWorkerPlan) => Worker): Promise<void> {
  const { options, folder, workers, ends, longest } = JSON.parse(
    process.argv[2] as string,
  ) as ChurnPlan
  const result: Churned = { handOuts: 0, withPortOut: 0, failures: [] }
  let [started, left] = [0, ends]
  const all: string[] = []

  async function replaceRepeatedly(): Promise<void> {
    while (left-- > 0) {
      const notes = path.join(folder, `notes-${++started}.ndjson`)
      writeFileSync(notes, '')
      const worker = start({ options, notes })
      let isToEnd = false
      void worker.failed.then((why) => {
        if (!isToEnd) result.failures.push(String((why as Error)?.stack ?? why))
      })
      // One in three may be ended while it starts.
      if (started % 3 > 0) await untilNoted(notes)
      await sleep(Math.random() * longest)
      isToEnd = true
      // Its ports are no longer out: see below.
      const endedAt = process.hrtime.bigint()
      await worker.end()
      const open = readIntervals(notes).filter(({ to }) => to === undefined)
      result.withPortOut += open.length > 0 ? 1 : 0
      for (const { holder, port } of open) {
        const back = { event: 'back', port, holder, at: String(endedAt) }
        writeFileSync(notes, `${JSON.stringify(back)}\n`, { flag: 'a' })
      }
      all.push(notes)
    }
  }

  await Promise.all(Array.from({ length: workers }, replaceRepeatedly))
  result.handOuts = readIntervals(...all).length
  process.stdout.write(JSON.stringify(result))
}
