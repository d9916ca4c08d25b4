/** The processes of this machine, as far as this process may see them. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
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
  /** The numbers of those that ended while this was looked at, or have yet to be noticed. */
  readonly gone: readonly number[]
}

/** Every process that is running. */
export async function runningProcesses(): Promise<Processes> {
  if (!IS_LINUX) return { running: await processesElsewhere(), gone: [] }
  const running: RunningProcess[] = []
  const gone: number[] = []
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const found = runningProcess(Number(name))
    if (found) running.push(found)
    else gone.push(Number(name))
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
  const stat = readProc(pid, 'stat')
  if (stat === undefined) return undefined
  // `pid (name) state ppid …`: a name can hold anything, also spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, parent] = fields
  const [threads, startedAt] = [fields[17], fields[19]]
  // A process whose first thread has ended looks like one that has ended, while others go on.
  if ((state === 'Z' || state === 'X') && Number(threads) <= 1) return undefined
  return { pid, parent: Number(parent), startedAt: startedAt ?? '' }
}

/** The process that has this number now: where it has gone already, one that is not found again. */
export function identityOfProcess(pid: number): ProcessIdentity {
  if (!IS_LINUX) return { pid, startedAt: '' }
  return { pid, startedAt: runningProcess(pid)?.startedAt ?? 'gone' }
}

/** Whether it is still the same process that has the number. Elsewhere than on Linux: whether any has. */
export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  if (IS_LINUX) return runningProcess(pid)?.startedAt === startedAt
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The environment that a process was started with; empty where it cannot be read. */
export function environmentOf(pid: number): string {
  return (IS_LINUX && readProc(pid, 'environ')) || ''
}

/** The files and sockets that a process has open; none where that cannot be seen. Linux alone. */
export function openFilesOf({ pid }: ProcessIdentity): string[] {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).map((name) => linkTarget(`${folder}/${name}`))
  } catch {
    return []
  }
}

function linkTarget(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

/** The process may have gone, or belong to somebody else. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'latin1')
  } catch {
    return undefined
  }
}
