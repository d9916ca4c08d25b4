/** What is known of a tree where processes cannot be listed. */
import type { ChildProcess } from 'node:child_process'
import { isProcess, setTimeout } from '@portslice/core/internal'

/** Far less than it takes until a number is given again. */
const POLL_INTERVAL_MS = 250

/**
 * The first process of a tree, and the process group of its number, if it leads one. The kernel
 * gives the number to no other process as long as the group has a member or the process was not
 * waited for. Once neither is so, the number is not used any more.
 */
export class ProcessGroup {
  readonly pid: number
  readonly #child: ChildProcess | undefined
  #hasExited = false
  /** Whether all that it prints to has been closed. Always so without a `child`. */
  #isClosed: boolean
  #wasKilled = false
  #isReleased: boolean

  /** @param child the process itself, if this process has started it */
  constructor(pid: number, child?: ChildProcess) {
    this.pid = pid
    this.#child = child
    this.#isClosed = child === undefined
    // To `kill`, 0 and -1 are more than one process.
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

  /**
   * Whether a process of it runs. A process that left the group counts as long as it keeps open
   * what the first one printed to.
   */
  isRunning(): boolean {
    if (!this.#isClosed) return true
    // A killed process that nothing waits for stays in its group.
    return !this.#wasKilled && this.#ownsNumber()
  }

  /** Once the last of it has gone, its number may become another's: that must not be missed. */
  #watchGroup(): void {
    if (this.#ownsNumber()) setTimeout(() => this.#watchGroup(), POLL_INTERVAL_MS).unref()
  }

  #ownsNumber(): boolean {
    this.#isReleased ||= !this.#isGroup() && (this.#hasExited || !isProcess(this.pid))
    return !this.#isReleased
  }

  #isGroup(): boolean {
    return process.platform !== 'win32' && isProcess(-this.pid)
  }

  /** The process may have gone since it was seen, or not be ours to end. */
  send(signal: NodeJS.Signals): void {
    if (!this.#ownsNumber()) return
    try {
      if (this.#isGroup()) process.kill(-this.pid, signal)
      else if (this.#child) this.#child.kill(signal)
      else process.kill(this.pid, signal)
      this.#wasKilled ||= signal === 'SIGKILL' && this.#child !== undefined
    } catch {
      // As above: whether it has gone is looked at again.
    }
  }
}
