import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { AllocatorProcess } from '../../support/allocator-process.ts'
import { ownSlices } from '../../support/own-slices.ts'
import type { Fault, FaultContext, Outcome } from '../fault.ts'
import { FaultProcesses, startAllocator } from '../fault-processes.ts'
import type { Plan } from '../processes/wait-for-turns.ts'

/** All system calls that create, change and remove files, directories and sockets. */
const CALLS = [
  ...['openat', 'write', 'pwrite64', 'mkdir', 'rmdir', 'unlink', 'unlinkat', 'rename', 'renameat2'],
  ...['utimensat', 'ftruncate', 'bind', 'listen', 'close'],
]
/** Far less than the 10 s for which a lock of unknown origin is watched; on a busy machine. */
const LEASE_LIMIT_MS = 5000
/** The short form tries only every nth system call. */
const ONE_IN = 4
const AT_ONCE = 3

interface Moment {
  call: string
  /** Its number among the calls of its kind, from 1. */
  when: number
}

export const killedBetweenSteps: Fault = {
  fault: 'a holder is killed between two steps of taking or giving back a slice',
  provoked:
    'a process that leases a slice, takes a port and gives all back is killed at each system call that it makes meanwhile (`strace --inject`)',
  must: 'the next holder has the slice at once, without waiting for the lock to go stale',
  async run({ short, folder }: FaultContext): Promise<Outcome> {
    await using slices = await ownSlices(1)
    await using undisturbed = await startAllocator(folder)
    const plan = planFor(slices.range, path.join(folder, 'usual'))
    const moments = await momentsOf(folder, plan)
    if (typeof moments === 'string') return { skipped: moments }
    const usual = await timeToLease(undisturbed, plan)

    const chosen = moments.filter((_, index) => !short || index % ONE_IN === 0)
    const broken: string[] = []
    let slowest = 0
    let killed = 0
    const next = chosen.values()
    const work = async () => {
      await using own = await ownSlices(1)
      await using nextHolder = await startAllocator(folder)
      for (const { call, when } of next) {
        const at = `${call}-${when}`
        const ownFolder = path.join(folder, at)
        mkdirSync(ownFolder)
        const ownPlan = planFor(own.range, path.join(ownFolder, 'locks'))
        await using group = new FaultProcesses(ownFolder)
        const by = [...strace('/dev/null'), '-e', `inject=${call}:signal=KILL:when=${when}`]
        const member = group.start('wait-for-turns', ownPlan, { by })
        await member.ended
        if (member.complaint !== undefined) killed++
        const took = await timeToLease(nextHolder, ownPlan)
        slowest = Math.max(slowest, took)
        if (took > LEASE_LIMIT_MS)
          broken.push(`Killed at ${at}, the next holder waited ${took.toFixed(0)} ms.`)
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    if (killed < chosen.length / 2) broken.push(`Only ${killed} of ${chosen.length} were killed.`)
    return {
      times: killed,
      observed: `the next holder had the slice within ${slowest.toFixed(0)} ms each time (${usual.toFixed(0)} ms after a normal end)`,
      broken,
    }
  },
}

function planFor(range: readonly [number, number], lockDirectory: string): Plan {
  return { options: { range, lockDirectory }, waitTimeoutMs: 20_000, turnMs: 0, once: true }
}

function strace(output: string): string[] {
  return ['strace', '-f', '-qq', '-y', '-o', output, '-e', `trace=${CALLS.join(',')}`]
}

/** The calls from our first socket or file to the end. @returns the reason, if strace fails */
async function momentsOf(folder: string, plan: Plan): Promise<Moment[] | string> {
  const output = path.join(folder, 'trace')
  await using group = new FaultProcesses(folder)
  const traced = group.start('wait-for-turns', plan, { by: strace(output) })
  await traced.ended
  if (traced.complaint !== undefined) return `strace cannot be used here (${traced.complaint})`
  const counts = new Map<string, number>()
  const moments: Moment[] = []
  const lines = readFileSync(output, 'utf8').split('\n')
  // Calls are counted for each thread. Ours are in the first one.
  const [thread] = (lines[0] ?? '').split(' ')
  let isOurs = false
  for (const line of lines) {
    const [, of, call] = /^(\d+) +(\w+)\(/.exec(line) ?? []
    if (of !== thread || call === undefined) continue
    const when = (counts.get(call) ?? 0) + 1
    counts.set(call, when)
    isOurs ||= call === 'bind' || line.includes(plan.options?.lockDirectory as string)
    if (isOurs) moments.push({ call, when })
  }
  return moments
}

async function timeToLease(process: AllocatorProcess, { options = {} }: Plan): Promise<number> {
  const { took } = await process.open({ ...options, waitTimeout: 20_000 })
  await process.command({ do: 'close' })
  return took
}
