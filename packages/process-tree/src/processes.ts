/** The processes of this machine, as far as this process may see them. */

import {
  DENIED,
  isProcess,
  listPids,
  parseStat,
  processTable,
  readProcessFile,
  readProcessText,
} from '@portslice/core/internal'
import pidtree from 'pidtree'

/** A process, not only its number: numbers are used again. */
export interface ProcessIdentity {
  /** Its number. */
  readonly pid: number
  /** When it was started, in the kernel's clock ticks since boot; empty where that is not told. */
  readonly startedAt: string
}

export interface RunningProcess extends ProcessIdentity {
  /** Its parent, or whoever took it over when that had gone. */
  readonly parent: number
}

const IS_LINUX = process.platform === 'linux'
/** `kthreadd`, which has started all of them. */
const KERNEL_THREADS = 2

export interface Processes {
  readonly running: readonly RunningProcess[]
  /** The numbers of those that run and may not be looked into. */
  readonly hidden: ReadonlySet<number>
  /**
   * Those that ended while this was looked at, or have yet to be noticed; `startedAt` is empty
   * where nothing of one is left.
   */
  readonly gone: readonly ProcessIdentity[]
}

/**
 * Whether the processes of this machine can be listed. Not on Linux where /proc cannot be read or
 * belongs to another PID namespace: then of a tree only its first process and its group are known.
 */
export function canListProcesses(): boolean {
  return !IS_LINUX || processTable() === 'own'
}

/** Every process that is running. */
export async function runningProcesses(): Promise<Processes> {
  const running: RunningProcess[] = []
  const hidden = new Set<number>()
  const gone: ProcessIdentity[] = []
  if (!IS_LINUX) return { running: await processesElsewhere(), hidden, gone }
  for (const pid of listPids()) {
    const found = processOf(pid)
    if (found === DENIED) hidden.add(pid)
    else if (found && !found.hasEnded) running.push(found)
    else gone.push({ pid, startedAt: found?.startedAt ?? '' })
  }
  return { running, hidden, gone }
}

/** A thread of the kernel, which never has an environment; elsewhere than on Linux, where none is told: any. */
export function isPartOfKernel({ pid, parent }: RunningProcess): boolean {
  return !IS_LINUX || pid === KERNEL_THREADS || parent === KERNEL_THREADS
}

/** Windows and macOS: numbers and parents are all that can be had of every process without more. */
async function processesElsewhere(): Promise<RunningProcess[]> {
  const all = await pidtree(-1, { advanced: true })
  return all.map(({ pid, ppid }) => ({ pid, parent: ppid, startedAt: '' }))
}

/** Which process has this number now, also one that has ended and whose parent has yet to notice. Linux alone. */
function processOf(
  pid: number,
): (RunningProcess & { hasEnded: boolean }) | typeof DENIED | undefined {
  const stat = readProcessFile(pid, 'stat')
  if (stat === undefined || stat === DENIED) return stat
  const fields = parseStat(stat)
  const [state, parent] = fields
  const [threads, startedAt] = [fields[17], fields[19]]
  // A process whose first thread has ended looks like one that has ended, while others go on.
  const hasEnded = (state === 'Z' || state === 'X') && Number(threads) <= 1
  return { pid, parent: Number(parent), startedAt: startedAt ?? '', hasEnded }
}

/** When the process of this number was started, also if it has ended; 0 where that is not told. */
export function startOf(pid: number): number {
  const found = IS_LINUX ? processOf(pid) : undefined
  return found && found !== DENIED ? Number(found.startedAt) : 0
}

/** The process that has this number now: where it has gone already, one that is not found again. */
export function identityOfProcess(pid: number): ProcessIdentity {
  if (!IS_LINUX || !canListProcesses()) return { pid, startedAt: '' }
  const found = processOf(pid)
  if (found === DENIED) return { pid, startedAt: '' }
  return { pid, startedAt: found && !found.hasEnded ? found.startedAt : 'gone' }
}

/** Whether it is still the same process that has the number; where that is not told, whether any has. */
export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  if (!IS_LINUX) return isProcess(pid)
  const found = processOf(pid)
  // What could be read when it was found may since belong to another user.
  if (found === DENIED) return isProcess(pid)
  return found !== undefined && !found.hasEnded && found.startedAt === startedAt
}

/** The environment that a process was started with; empty where it cannot be read. */
export function environmentOf(pid: number): string {
  return (IS_LINUX && readProcessText(pid, 'environ')) || ''
}
