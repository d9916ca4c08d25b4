import { chmodSync, mkdirSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ownSlices } from '../../support/own-slices.ts'
import { PrivateDisk } from '../../support/private-disk.ts'
import type { ProcessOptions } from '../../support/process.ts'
import { type Fault, isSkipped, type Outcome, stoppedBy, type Tried } from '../fault.ts'
import { FaultProcesses } from '../fault-processes.ts'
import { StressTest } from '../stress-test.ts'
import { chownTo, letOthersEnter, OTHER_USERS, whyNoOtherUsers } from '../unprivileged-users.ts'

const COMPETITORS = 3
/** Each needs one slice, and sometimes two more: they compete for the rest. */
const SLICES = COMPETITORS * 3 - 1
/** How many slices each leases in the end, if it keeps what it has leased. */
const GROW_TO = 5

/** One way in which a lock directory is damaged. */
interface Damage {
  lockDirectory: string
  start: ProcessOptions
  growTo?: number
  /** Does it once more; `time` counts from 0. */
  damage(time: number): void
}

/**
 * Runs processes whose lock directory is damaged repeatedly.
 *
 * @param folder an empty one
 */
async function runDuringDamage(
  folder: string,
  { short, everyMs }: { short: boolean; everyMs: number },
  kind: Damage,
): Promise<Tried> {
  const during = short ? 5000 : 45_000
  const { lockDirectory, start, growTo, damage } = kind
  await using slices = await ownSlices(growTo ? growTo * COMPETITORS : SLICES)
  await using group = new FaultProcesses(folder)
  const stress = new StressTest(group, folder, { during, ...(growTo && { growTo }) })
  const options = { range: slices.range, lockDirectory }
  await Promise.all(Array.from({ length: COMPETITORS }, () => stress.join(options, start)))
  const end = performance.now() + during
  let times = 0
  for (; performance.now() < end; times++) {
    await sleep(everyMs * (0.5 + Math.random()))
    damage(times)
  }
  const { handOuts, warnings, broken } = await stress.end()
  return {
    times,
    observed: `${handOuts} hand-outs, ${warnings} warnings by ${COMPETITORS} processes`,
    broken: [...new Set([...broken, ...group.complaints])],
  }
}

const deleted = (folder: string, short: boolean) => {
  const lockDirectory = path.join(folder, 'locks')
  const damage = () => rmSync(lockDirectory, { recursive: true, force: true, maxRetries: 20 })
  return runDuringDamage(folder, { short, everyMs: 700 }, { lockDirectory, start: {}, damage })
}

const moved = (folder: string, short: boolean) => {
  const lockDirectory = path.join(folder, 'locks')
  const damage = (time: number) => {
    try {
      renameSync(lockDirectory, path.join(folder, `moved-${time}`))
    } catch {
      // It has not been created again yet.
    }
  }
  return runDuringDamage(folder, { short, everyMs: 700 }, { lockDirectory, start: {}, damage })
}

async function unreadable(folder: string, short: boolean): Promise<Outcome> {
  const skipped = whyNoOtherUsers()
  if (skipped) return { skipped }
  letOthersEnter(folder)
  const home = path.join(folder, 'home')
  const lockDirectory = path.join(home, 'locks')
  mkdirSync(lockDirectory, { recursive: true, mode: 0o700 })
  const [uid] = OTHER_USERS
  chownTo(uid, home, lockDirectory)
  // A new allocator is refused, so the ones that there are lease more and more slices.
  // Shut for longer than locks stay fresh in the long form: then their refreshing fails as well.
  const damage = (time: number) => chmodSync(lockDirectory, time % 2 === 0 ? 0o000 : 0o700)
  return runDuringDamage(
    folder,
    { short, everyMs: short ? 1500 : 12_000 },
    { lockDirectory, start: { uid }, growTo: GROW_TO, damage },
  )
}

async function full(folder: string, short: boolean): Promise<Outcome> {
  const disk = await PrivateDisk.mount(path.join(folder, 'disk'), 'size=64k,mode=0700')
  if (typeof disk === 'string') return { skipped: disk }
  await using _ = disk // Kept until the run below has ended, because the processes use it.
  const damage = (time: number) => {
    if (time % 3 === 2) unlinkSync(disk.file('filler'))
    else fill(disk.file('filler'))
  }
  const lockDirectory = path.join(disk.folder, 'locks')
  return await runDuringDamage(
    folder,
    { short, everyMs: 1000 },
    { lockDirectory, start: { by: disk.by }, damage },
  )
}

function fill(file: string): void {
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    }
  }
}

/** One way that fails does not end the others, whose processes would be left behind. */
export const lockDirectoryDuringRun: Fault = {
  fault: 'the lock directory is deleted, moved, made unreadable, or its disk is full, during a run',
  provoked: `${COMPETITORS} processes each that lease, take and release, while that happens again and again`,
  must: 'the run finishes, no overlap, at most one warning a process',
  async run({ short, folder }) {
    const ways = { deleted, moved, unreadable, full }
    const outcomes = await Promise.all(
      Object.entries(ways).map(async ([name, way]) => {
        const own = path.join(folder, name)
        mkdirSync(own)
        letOthersEnter(folder)
        return [name, await way(own, short).catch(stoppedBy)] as const
      }),
    )
    const tried = outcomes.filter((entry): entry is [string, Tried] => !isSkipped(entry[1]))
    return {
      times: tried.reduce((sum, [, { times }]) => sum + times, 0),
      observed: outcomes
        .map(([name, outcome]) =>
          isSkipped(outcome)
            ? `${name}: not tried, ${outcome.skipped}`
            : `${name} (${outcome.times} times): ${outcome.observed}`,
        )
        .join('; '),
      broken: tried.flatMap(([name, { broken }]) => broken.map((text) => `${name}: ${text}`)),
    }
  },
}
