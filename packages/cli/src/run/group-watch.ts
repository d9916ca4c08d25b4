/** Was a signal sent to this process alone, or to its whole process group? */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import os from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * How long a signal to the group may take to be seen, in ms. `timeout` signals its child
 * first, and the group right after that.
 */
const LONGEST = 30
const LOOK = 3

/**
 * A process of the same group, that does nothing but end by the signals that the group gets.
 *
 * Ctrl-C goes to every process of the foreground group, `kill %1` and `timeout` signal the
 * group as well: then a program has had the signal already, and passing it on would make it
 * two, which many take as "at once, without tidying up". Nothing tells a process whether it
 * was meant alone, so this one listens for it.
 */
export class GroupWatch {
  #canary: ChildProcess | undefined
  #isOver = false

  start(): void {
    if (process.platform === 'win32' || this.#isOver) return
    // It ends when its input does: also when this process is killed.
    const canary = spawn('cat', [], {
      stdio: ['pipe', 'ignore', 'ignore'],
      env: { PATH: process.env.PATH },
    })
    canary.on('error', () => {}) // Without it, signals are taken to be for this process alone.
    canary.stdin?.on('error', () => {})
    canary.unref()
    ;(canary.stdin as unknown as { unref?(): void } | null)?.unref?.()
    this.#canary = canary
  }

  /** Call as soon as this process has had the signal. */
  async sawAsWell(signal: NodeJS.Signals): Promise<boolean> {
    const canary = this.#canary
    if (canary?.pid === undefined) return false
    const deadline = performance.now() + LONGEST
    for (;;) {
      if (hasEnded(canary) || isPending(canary.pid, signal)) {
        // For the next signal; one that came meanwhile is answered by the same dead one.
        if (this.#canary === canary) this.start()
        return true
      }
      if (performance.now() > deadline) return false
      await sleep(LOOK)
    }
  }

  stop(): void {
    this.#isOver = true
    this.#canary?.stdin?.destroy()
    this.#canary?.kill('SIGKILL')
  }
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

/** The kernel has noted the signal, but the process has not had its turn to end by it. Linux. */
function isPending(pid: number, signal: NodeJS.Signals): boolean {
  const number = os.constants.signals[signal]
  const bit = 1n << BigInt(number - 1)
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    if (/^State:\t[ZX]/m.test(status)) return true
    return [...status.matchAll(/^(?:SigPnd|ShdPnd):\t([0-9a-f]+)$/gm)].some(
      ([, mask]) => (BigInt(`0x${mask}`) & bit) !== 0n,
    )
  } catch {
    return false // Elsewhere than on Linux its end is waited for.
  }
}
