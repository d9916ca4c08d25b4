import type { ChildProcess } from 'node:child_process'
import os from 'node:os'
import { system } from '@portslice/core/internal/inspect'
import { GroupSignalProbe } from './group-signal-probe.js'
import { procStat } from './proc-stat.js'

/** Signals that end a process by default. The kernel sends SIGTSTP, SIGCONT and SIGWINCH to the whole group. */
const FORWARDED: readonly NodeJS.Signals[] = system.hasSignals
  ? ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM']
  : ['SIGINT', 'SIGBREAK', 'SIGHUP']

const END_SIGNALS = new Set<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

export function isEndSignal(signal: NodeJS.Signals): boolean {
  return END_SIGNALS.has(signal)
}

export type Recipient = (signal: NodeJS.Signals, wasForGroup: boolean) => void

/**
 * Forwards signals so that the program receives each one once, even if it was sent to the whole process group.
 * Create it early, because its probe takes time to start.
 */
export class SignalForwarder {
  readonly #group = new GroupSignalProbe()
  readonly #listeners = new Map<NodeJS.Signals, () => void>()
  #recipient: Recipient = () => {}
  /** Signals that arrived before the first recipient. */
  #early: NodeJS.Signals[] = []
  #hasRecipient = false

  /** Before this call, signals end this process as usual. */
  async start(): Promise<void> {
    await this.#group.untilReady()
    for (const signal of FORWARDED) {
      const listener = () => void this.#forward(signal)
      process.on(signal, listener)
      this.#listeners.set(signal, listener)
    }
  }

  forwardTo(recipient: Recipient): void {
    this.#recipient = recipient
    this.#hasRecipient = true
    for (const signal of this.#early.splice(0)) recipient(signal, false)
  }

  async #forward(signal: NodeJS.Signals): Promise<void> {
    const hadRecipient = this.#hasRecipient
    const wasForGroup = await this.#group.wasSentToGroup(signal)
    if (hadRecipient || this.#hasRecipient) this.#recipient(signal, wasForGroup && hadRecipient)
    else this.#early.push(signal)
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
    this.#listeners.clear()
    this.#group.stop()
  }
}

/** Skips signals that the process has received as a member of the group. */
export function firstProcessRecipient(child: ChildProcess): Recipient {
  return (signal, wasForGroup) => {
    const { pid } = child
    if (pid === undefined || (wasForGroup && isInOurGroup(pid))) return
    // On Windows, Ctrl-C reaches all processes of the console, and `kill` terminates.
    if (!system.hasSignals) return
    child.kill(signal)
  }
}

/** On systems other than Linux always true, because programs rarely leave their group. */
export function isInOurGroup(pid: number): boolean {
  const [theirs, ours] = [groupOf(pid), groupOf(process.pid)]
  return theirs === undefined || ours === undefined || theirs === ours
}

function groupOf(pid: number): string | undefined {
  return procStat(pid)?.[2]
}

/** The exit status as in shells: 128 plus the number of the signal that ended the process. */
export function exitStatus(status: number | null, signal: NodeJS.Signals | null): number {
  return status ?? 128 + (signal ? os.constants.signals[signal] : 0)
}
