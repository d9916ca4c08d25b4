/** Forwards signals, so that each reaches the program once, whether it was sent to it or to the whole group. */
import type { ChildProcess } from 'node:child_process'
import os from 'node:os'
import { GroupSignalProbe } from './group-signal-probe.js'
import { procStat } from './proc-stat.js'

/**
 * What ends a process unless it listens. SIGTSTP and SIGCONT are left to the kernel, which
 * stops and continues the group of a terminal together; SIGWINCH goes to all of it as well.
 */
const FORWARDED: readonly NodeJS.Signals[] =
  process.platform === 'win32'
    ? ['SIGINT', 'SIGBREAK', 'SIGHUP']
    : ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM']

/** Signals that tell a program to end. */
const END_SIGNALS = new Set<NodeJS.Signals>(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'])

export function isEndSignal(signal: NodeJS.Signals): boolean {
  return END_SIGNALS.has(signal)
}

/** Whom a signal is for, when it has not gone to our whole process group. */
export type Recipient = (signal: NodeJS.Signals, wasForGroup: boolean) => void

/**
 * Keeps the signals from ending this process, and hands them on. Made early, what it needs is
 * there when the program is to be started.
 */
export class SignalForwarder {
  readonly #group = new GroupSignalProbe()
  readonly #listeners = new Map<NodeJS.Signals, () => void>()
  #recipient: Recipient = () => {}
  /** Had before there was anybody to pass them to. */
  #early: NodeJS.Signals[] = []
  #isOpen = false

  /** Before that, a signal ends this process as any other. */
  async start(): Promise<void> {
    await this.#group.untilReady()
    for (const signal of FORWARDED) {
      const listener = () => void this.#forward(signal)
      process.on(signal, listener)
      this.#listeners.set(signal, listener)
    }
  }

  to(recipient: Recipient): void {
    this.#recipient = recipient
    this.#isOpen = true
    for (const signal of this.#early.splice(0)) recipient(signal, false)
  }

  async #forward(signal: NodeJS.Signals): Promise<void> {
    const isOpen = this.#isOpen
    const wasForGroup = await this.#group.heardAsWell(signal)
    if (isOpen || this.#isOpen) this.#recipient(signal, wasForGroup && isOpen)
    else this.#early.push(signal)
  }

  stop(): void {
    for (const [signal, listener] of this.#listeners) process.off(signal, listener)
    this.#listeners.clear()
    this.#group.stop()
  }
}

/** The first process of the program: what was sent to the group it has had, if it is still in it. */
export function recipientOf(child: ChildProcess): Recipient {
  return (signal, wasForGroup) => {
    const { pid } = child
    if (pid === undefined || (wasForGroup && isInOurGroup(pid))) return
    // On Windows, Ctrl-C goes to everybody at the console, and to send it is to kill.
    if (process.platform === 'win32') return
    child.kill(signal)
  }
}

/** Elsewhere than on Linux it is taken to be: hardly a program leaves the group it was started in. */
export function isInOurGroup(pid: number): boolean {
  const [theirs, ours] = [groupOf(pid), groupOf(process.pid)]
  return theirs === undefined || ours === undefined || theirs === ours
}

function groupOf(pid: number): string | undefined {
  return procStat(pid)?.[2]
}

/** As shells have it: 128 and the signal's number, for a process that was ended by one. */
export function exitStatus(status: number | null, signal: NodeJS.Signals | null): number {
  return status ?? 128 + (signal ? os.constants.signals[signal] : 0)
}
