import {
  DENIED,
  isProcess,
  listPids,
  parseStat,
  processTable,
  readProcessFile,
  readProcessText,
  system,
} from '@portslice/core/internal'

/** A pid with a start time, because the kernel reuses pids. */
export interface ProcessIdentity {
  readonly pid: number
  /** A number that is greater for a later start: on Linux clock ticks since boot. Empty if unknown. */
  readonly startedAt: string
}

export interface RunningProcess extends ProcessIdentity {
  readonly parent: number
}

/** `kthreadd`, the parent of all kernel threads. */
const KTHREADD_PID = 2

export interface Processes {
  readonly running: readonly RunningProcess[]
  /** Pids of processes that this user may not inspect, or of all if they cannot be listed. */
  readonly hidden: { has(pid: number): boolean }
  /** Processes that have ended, also zombies. `startedAt` is empty if nothing could be read. */
  readonly ended: readonly ProcessIdentity[]
}

/** False on Linux if /proc cannot be read or belongs to another PID namespace. */
export function canListProcesses(): boolean {
  return !system.hasProc || processTable() === 'own'
}

export async function listProcesses(): Promise<Processes> {
  const running: RunningProcess[] = []
  const hidden = new Set<number>()
  const ended: ProcessIdentity[] = []
  if (!system.hasProc) {
    const listed = await system.listProcesses?.()
    // Unknown is not absent.
    return { running: listed ?? [], hidden: listed ? hidden : { has: isProcess }, ended }
  }
  for (const pid of listPids()) {
    const found = readProcess(pid)
    if (found === DENIED) hidden.add(pid)
    else if (found && !found.hasEnded) running.push(found)
    else ended.push({ pid, startedAt: found?.startedAt ?? '' })
  }
  return { running, hidden, ended }
}

/** Kernel threads, and every process on other systems than Linux. */
export function hasNoEnvironment({ pid, parent }: RunningProcess): boolean {
  return !system.hasProc || pid === KTHREADD_PID || parent === KTHREADD_PID
}

/** Reads also zombies. Linux only. */
function readProcess(
  pid: number,
): (RunningProcess & { hasEnded: boolean }) | typeof DENIED | undefined {
  const stat = readProcessFile(pid, 'stat')
  if (stat === undefined || stat === DENIED) return stat
  const fields = parseStat(stat)
  const [state, parent] = fields
  const [threads, startedAt] = [fields[17], fields[19]]
  // A process whose main thread has ended looks like a zombie while other threads run.
  const hasEnded = (state === 'Z' || state === 'X') && Number(threads) <= 1
  return { pid, parent: Number(parent), startedAt: startedAt ?? '', hasEnded }
}

export function startTimeOf(pid: number): number {
  const found = system.hasProc ? readProcess(pid) : undefined
  return found && found !== DENIED ? Number(found.startedAt) : 0
}

export function identityOfProcess(pid: number): ProcessIdentity {
  if (!system.hasProc || !canListProcesses()) return { pid, startedAt: '' }
  const found = readProcess(pid)
  if (found === DENIED) return { pid, startedAt: '' }
  return { pid, startedAt: found && !found.hasEnded ? found.startedAt : 'ended' }
}

/** Without /proc, true if any process has the pid. */
export function isRunning({ pid, startedAt }: ProcessIdentity): boolean {
  if (!system.hasProc) return isProcess(pid)
  const found = readProcess(pid)
  // It was readable before, but may have changed its user.
  if (found === DENIED) return isProcess(pid)
  return found !== undefined && !found.hasEnded && found.startedAt === startedAt
}

/** The environment that a process had at its start; empty if it cannot be read. */
export function environmentOf(pid: number): string {
  return (system.hasProc && readProcessText(pid, 'environ')) || ''
}
