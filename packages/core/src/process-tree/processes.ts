/** The processes of this machine, as far as this process may see them. */
import { readdirSync, readFileSync } from 'node:fs'
import pidtree from 'pidtree'
import { isProcess } from '../platform/host.js'

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
  /**
   * Those that ended while this was looked at, or have yet to be noticed; `startedAt` is empty
   * where nothing of one is left.
   */
  readonly gone: readonly ProcessIdentity[]
}

/** Every process that is running. */
export async function runningProcesses(): Promise<Processes> {
  if (!IS_LINUX) return { running: await processesElsewhere(), gone: [] }
  const running: RunningProcess[] = []
  const gone: ProcessIdentity[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const pid = Number(name)
    const found = processOf(pid)
    if (found && !found.hasEnded) running.push(found)
    else gone.push({ pid, startedAt: found?.startedAt ?? '' })
  }
  return { running, gone }
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

/** Which process has this number now; `undefined` when none, or one that has ended. Linux alone. */
function runningProcess(pid: number): RunningProcess | undefined {
  const found = processOf(pid)
  return found?.hasEnded ? undefined : found
}

/** As {@link runningProcess}, also one that has ended and whose parent has yet to notice. */
function processOf(pid: number): (RunningProcess & { hasEnded: boolean }) | undefined {
  const stat = readProc(pid, 'stat')
  if (stat === undefined) return undefined
  // `pid (name) state ppid …`: a name can hold anything, also spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const [threads, startedAt] = [fields[17], fields[19]]
  // A process whose first thread has ended looks like one that has ended, while others go on.
  const hasEnded = (state === 'Z' || state === 'X') && Number(threads) <= 1
  return { pid, parent: Number(parent), startedAt: startedAt ?? '', hasEnded }
}

/** When the process of this number was started, also if it has ended; 0 where that is not told. */
export function startOf(pid: number): number {
  return Number((IS_LINUX && processOf(pid)?.startedAt) || 0)
}

/** The process that has this number now: where it has gone already, one that is not found again. */
export function identityOfProcess(pid: number): ProcessIdentity {
  if (!IS_LINUX) return { pid, startedAt: '' }
  return { pid, startedAt: runningProcess(pid)?.startedAt ?? 'gone' }
}

/** Whether it is still the same process that has the number. Elsewhere than on Linux: whether any has. */
export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  return IS_LINUX ? runningProcess(pid)?.startedAt === startedAt : isProcess(pid)
}

/** The environment that a process was started with; empty where it cannot be read. */
export function environmentOf(pid: number): string {
  return (IS_LINUX && readProc(pid, 'environ')) || ''
}

/** The process may have gone, or belong to somebody else. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}
