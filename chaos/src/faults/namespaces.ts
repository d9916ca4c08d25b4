import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Interval, overlaps, readIntervals } from 'portslice-testing/intervals'
import { Crowd, type Member } from '../crowd.ts'
import type { Fault, FaultContext, Outcome, Tried } from '../fault.ts'
import { NetworkNamespace } from '../network-namespace.ts'
import type { Plan as HoldPlan } from '../processes/hold-and-carry-on.ts'
import type { Fed } from '../processes/hunger.ts'
import type { Plan } from '../processes/lease-again-and-again.ts'

/** In namespaces of their own all ports are free. */
const FIRST = 20_000
const sliceAt = (index: number) => [FIRST + index * 32, FIRST + index * 32 + 31] as const

type Part = (context: FaultContext, networks: readonly NetworkNamespace[]) => Promise<Tried>

/** All lease one slice in turn, leave stale locks that all find at once, and are killed at times. */
const taken: Part = async ({ short, folder }, networks) => {
  const lockDirectory = path.join(folder, 'locks')
  const notes = path.join(folder, 'intervals.ndjson')
  writeFileSync(notes, '')
  mkdirSync(lockDirectory, { mode: 0o700 })
  await using crowd = new Crowd(folder)
  const options = { range: sliceAt(0), lockDirectory, waitTimeout: 0 }
  const staleLock = path.join(lockDirectory, `slice-${FIRST}.lock`)
  const plan: Plan = { options, notes, keep: 10, staleLock }
  const start = async (index: number): Promise<Member> => {
    const network = networks[index % networks.length] as NetworkNamespace
    const member = crowd.start('lease-again-and-again', plan, { by: network.by })
    await member.hear()
    return member
  }
  const members = await Promise.all([0, 1, 2].map(start))
  const end = performance.now() + (short ? 8000 : 90_000)
  let times = 0
  for (; performance.now() < end; times++) {
    await sleep(Math.random() * 1000)
    const index = times % members.length
    const member = members[index] as Member
    member.kill()
    await member.ended
    members[index] = await start(index)
  }
  for (const member of members) member.tell('end')
  await Promise.all(members.map((member) => member.untilEnded()))
  const intervals = endedWithTheirHolders(readIntervals(notes), crowd)
  const clashes = overlaps(intervals)
  return {
    times,
    observed: `${clashes.length || 'no'} overlaps in ${intervals.length} turns of ${networks.length} namespaces at one slice`,
    broken: [
      ...clashes
        .slice(0, 10)
        .map(([one, other]) => `Two held a slice at once: ${one.holder} and ${other.holder}.`),
      ...crowd.complaints,
    ],
  }
}

function endedWithTheirHolders(intervals: readonly Interval[], crowd: Crowd): Interval[] {
  const killedAt = new Map(crowd.members.map((member) => [member.pid, member.killedAt]))
  return intervals.map((interval) => {
    const at = killedAt.get(Number.parseInt(interval.holder, 10))
    return interval.to === undefined && at ? { ...interval, to: at } : interval
  })
}

/** A holder elsewhere is killed: its lock is waited out, and then the slice is had. */
const waitedOut: Part = async ({ folder }, [here, there]) => {
  await using crowd = new Crowd(folder)
  const options = { range: sliceAt(1), lockDirectory: path.join(folder, 'locks') }
  const plan: HoldPlan = { options }
  const holder = crowd.start('hold-and-carry-on', plan, { by: (here as NetworkNamespace).by })
  await holder.hear()
  const hungry = crowd.start(
    'hunger',
    { ...options, waitTimeout: 300 },
    { by: (there as NetworkNamespace).by },
  )
  await sleep(1000)
  const start = performance.now()
  holder.kill()
  const { refused } = await hungry.hear<Fed>(40_000)
  const seconds = (performance.now() - start) / 1000
  await hungry.untilEnded()
  return {
    times: 1,
    observed: `the lock of a killed holder elsewhere was waited out in ${seconds.toFixed(1)} s`,
    broken: [
      // Its last refresh was at most 5 s before its death.
      ...(seconds < 4 ? [`A lock from elsewhere was broken after ${seconds.toFixed(1)} s.`] : []),
      ...(refused === 0 ? ['The slice was had while its holder lived.'] : []),
      ...crowd.complaints,
    ],
  }
}

/** One whose lock went to somebody elsewhere while it was blocked ends: the lock stays theirs. */
const notItsOwn: Part = async ({ folder }, [here, there]) => {
  await using crowd = new Crowd(folder)
  const lockDirectory = path.join(folder, 'locks')
  const options = { range: sliceAt(2), lockDirectory }
  const lock = path.join(lockDirectory, `slice-${sliceAt(2)[0]}.lock`)
  const blocked = crowd.start('hold-and-carry-on', { options, block: 4000 } satisfies HoldPlan, {
    by: (here as NetworkNamespace).by,
  })
  await blocked.hear()
  blocked.tell('block and exit')
  await sleep(500)
  // Nobody waits ten seconds: it is made to look as old as if they had.
  utimesSync(lock, 1e9, 1e9)
  const next = crowd.start(
    'hold-and-carry-on',
    { options: { ...options, waitTimeout: 3000 } } satisfies HoldPlan,
    { by: (there as NetworkNamespace).by },
  )
  await next.hear()
  await blocked.untilEnded()
  const isLocked = existsSync(lock)
  next.tell('end')
  await next.untilEnded()
  return {
    times: 1,
    observed: `one that had lost its lock while it was blocked ${isLocked ? 'left it to' : 'took it from'} the new holder at its end`,
    broken: [
      ...(isLocked ? [] : ['A process that ended removed the lock of the new holder elsewhere.']),
      ...crowd.complaints,
    ],
  }
}

export const networkNamespaces: Fault = {
  fault: 'network namespaces share one lock directory',
  provoked:
    'holders in three namespaces want the same slices and are killed at random; stale locks are found by all at once; a blocked holder loses its lock to another and ends',
  must: 'no slice is held in two namespaces at once; the lock of a dead holder elsewhere is waited out',
  async run(context): Promise<Outcome> {
    const made = [
      await NetworkNamespace.make(),
      await NetworkNamespace.make(),
      await NetworkNamespace.make(),
    ]
    const networks = made.filter((network) => typeof network !== 'string')
    await using stack = new AsyncDisposableStack()
    for (const network of networks) stack.use(network)
    const reason = made.find((network) => typeof network === 'string')
    if (reason) return { skipped: reason }
    const tried = await Promise.all(
      [taken, waitedOut, notItsOwn].map((part) => {
        const folder = path.join(context.folder, part.name)
        mkdirSync(folder)
        return part({ ...context, folder }, networks).catch(untried)
      }),
    )
    return {
      times: tried.reduce((sum, { times }) => sum + times, 0),
      observed: tried.map(({ observed }) => observed).join('; '),
      broken: tried.flatMap(({ broken }) => broken),
    }
  },
}

/** One part that fails does not end the others, whose processes would be left behind. */
function untried(error: Error): Tried {
  return { times: 0, observed: 'not tried to the end', broken: [String(error.stack)] }
}
