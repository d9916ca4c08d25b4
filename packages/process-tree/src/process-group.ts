import type { ChildProcess } from 'node:child_process'
import { isProcess, setTimeout, system } from '@portslice/core/internal'

/** Much shorter than the time until the kernel reuses a pid. */
const POLL_INTERVAL_MS = 250

/**
 * Used if processes cannot be listed. Sends no signals once the group is empty and the process was reaped,
 * because then the kernel can reuse the pid.
 */
export class ProcessGroup {
  readonly pid: number
  readonly #child: ChildProcess | undefined
  #hasExited = false
  /** Whether stdout and stderr of the child are closed. Always true without a child. */
  #isClosed: boolean
  #wasKilled = false
  #isReleased: boolean

  constructor(pid: number, child?: ChildProcess) {
    this.pid = pid
    this.#child = child
    this.#isClosed = child === undefined
    // `kill` treats 0 and -1 as several processes.
    this.#isReleased = pid <= 1
    if (!child) this.#watchGroup()
    child?.once('exit', () => {
      this.#hasExited = true
      this.#watchGroup()
    })
    child?.once('close', () => {
      this.#isClosed = true
    })
  }

  /** True also if a process that left the group keeps stdout or stderr of the child open. */
  isRunning(): boolean {
    if (!this.#isClosed) return true
    // A killed process that was not reaped stays in its group.
    return !this.#wasKilled && this.#ownsPid()
  }

  /** Notices when the group is empty, because its id can be reused then. */
  #watchGroup(): void {
    if (this.#ownsPid()) setTimeout(() => this.#watchGroup(), POLL_INTERVAL_MS).unref()
  }

  #ownsPid(): boolean {
    this.#isReleased ||= !this.#isGroup() && (this.#hasExited || !isProcess(this.pid))
    return !this.#isReleased
  }

  #isGroup(): boolean {
    return system.hasSignals && isProcess(-this.pid)
  }

  send(signal: NodeJS.Signals): void {
    if (!this.#ownsPid()) return
    try {
      if (this.#isGroup()) process.kill(-this.pid, signal)
      else if (this.#child) this.#child.kill(signal)
      else process.kill(this.pid, signal)
      this.#wasKilled ||= signal === 'SIGKILL' && this.#child !== undefined
    } catch {
      // It has ended, or belongs to another user.
    }
  }
}
