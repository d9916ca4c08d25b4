import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isListening, ownersOfAll } from '@portslice/core/internal/inspect'
import type { ProcessIdentity, ProcessTree } from '@portslice/process-tree'
import { listNames } from '../terminal/format.js'
import { printNotice } from '../terminal/print.js'
import { processName } from '../terminal/process-name.js'
import { isEndSignal, isInOurGroup } from './signal-forwarder.js'

const NOTICE_DELAY_MS = 1500
const SIGNAL_NOTICE_DELAY_MS = 500
/** Each check reads all of /proc. */
const FIRST_POLL_INTERVAL_MS = 50
const MAX_POLL_INTERVAL_MS = 1000
const SIGTERM_TIMEOUT_MS = 1000

const MAX_NAMED_PROCESSES = 4

export interface BackgroundOptions {
  tree: ProcessTree
  command: string
  ports: readonly number[]
  /** The wait ends when no port was in use for this time. `undefined`: wait for every process. */
  lingerMs: number | undefined
}

/** Waits for the background processes of a program, prints their names, and forwards signals to them. */
export class BackgroundProcesses {
  readonly #tree: ProcessTree
  readonly #command: string
  readonly #ports: readonly number[]
  readonly #lingerMs: number | undefined
  readonly #interrupted = new AbortController()
  #wasAskedToEnd = false
  readonly #reported = new Set<'in use' | 'idle'>()

  constructor({ tree, command, ports, lingerMs }: BackgroundOptions) {
    this.#tree = tree
    this.#command = command
    this.#ports = ports
    this.#lingerMs = lingerMs
  }

  /** Waits while a leased port is in use, and for `lingerMs` after that. */
  async wait(): Promise<void> {
    // Stops the timers, which would keep this process running.
    const watch = new AbortController()
    const { signal } = this.#interrupted
    try {
      await this.#untilUnused(AbortSignal.any([signal, watch.signal]))
    } finally {
      watch.abort()
    }
    if (signal.aborted) await this.#terminate()
  }

  async #untilUnused(signal: AbortSignal): Promise<void> {
    const gone = this.#tree.untilGone({ signal }).catch(() => new Promise<void>(() => {}))
    const start = performance.now()
    let unusedSince = start
    for (let interval = FIRST_POLL_INTERVAL_MS; ; interval *= 2) {
      const rest = await this.#tree.processes()
      if (rest.length === 0 || signal.aborted) return
      const users = await portUsers(rest, this.#ports)
      const now = performance.now()
      if (users.length > 0) unusedSince = now
      const left = this.#lingerMs === undefined ? Infinity : unusedSince + this.#lingerMs - now
      const isOver = users.length === 0 && left <= 0
      if (isOver || now - start >= NOTICE_DELAY_MS) this.#report(rest, users)
      if (isOver) return
      const pollInterval = Math.min(interval, MAX_POLL_INTERVAL_MS)
      const pause = users.length > 0 ? pollInterval : Math.min(pollInterval, left)
      await Promise.race([gone, sleep(pause, undefined, { signal }).catch(() => {})])
    }
  }

  /** Forwards a signal. The second end signal also ends the wait. */
  async signal(signal: NodeJS.Signals, wasForGroup: boolean): Promise<void> {
    if (isEndSignal(signal)) {
      if (this.#wasAskedToEnd) return this.#interrupted.abort()
      this.#wasAskedToEnd = true
      void this.#reportSurvivors(signal)
    }
    for (const { pid } of await this.#tree.processes()) {
      if (wasForGroup && isInOurGroup(pid)) continue
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended, or belongs to another user.
      }
    }
  }

  #report(rest: readonly ProcessIdentity[], users: readonly ProcessIdentity[]): void {
    const notice = users.length > 0 ? 'in use' : 'idle'
    if (this.#reported.has(notice)) return
    this.#reported.add(notice)
    const command = inspect(this.#command)
    const ctrlC = this.#wasAskedToEnd ? 'Ctrl-C ends the wait' : 'Ctrl-C asks them to end'
    if (users.length > 0) {
      const ports = this.#ports.length === 1 ? `port ${this.#ports[0]} is` : 'the ports are'
      printNotice(
        `${command} has ended, but ${ports} still in use. Waiting for ${namesOf(users)}. ${ctrlC}.`,
      )
    } else if (this.#lingerMs === undefined) {
      printNotice(
        `${command} has ended. Waiting for the processes it left (--wait-all): ${namesOf(rest)}. ${ctrlC}.`,
      )
    } else {
      printNotice(
        `${command} has ended, but left processes that do not use its ports: ${namesOf(rest)}. They are left running when no port was in use for ${this.#lingerMs / 1000} s (--linger).`,
      )
    }
  }

  async #reportSurvivors(signal: NodeJS.Signals): Promise<void> {
    await sleep(SIGNAL_NOTICE_DELAY_MS, undefined, { ref: false })
    const rest = await this.#tree.processes()
    if (rest.length === 0 || this.#interrupted.signal.aborted) return
    printNotice(
      `still running after ${signal}: ${namesOf(rest)}. Press Ctrl-C again to send them SIGTERM and end portslice.`,
    )
  }

  /** Background processes of a shell ignore SIGINT, but not SIGTERM. */
  async #terminate(): Promise<void> {
    await this.#tree.signal('SIGTERM')
    await this.#tree.untilGone({ signal: AbortSignal.timeout(SIGTERM_TIMEOUT_MS) }).catch(() => {})
    const rest = await this.#tree.processes()
    if (rest.length > 0)
      printNotice(`these processes ignore SIGTERM: ${namesOf(rest)}. End them with kill -9.`)
  }
}

/**
 * Finds the processes with a TCP listener or UDP socket on one of the ports. If the owner of a listener is
 * unknown, it may be any process that this user may not inspect.
 */
async function portUsers(
  processes: readonly ProcessIdentity[],
  ports: readonly number[],
): Promise<readonly ProcessIdentity[]> {
  try {
    const owners = await ownersOfAll(ports)
    const pids = new Set([...owners.values()].flat().map(({ pid }) => pid))
    const users = processes.filter(({ pid }) => pids.has(pid))
    if (users.length > 0) return users
    const opaque = processes.filter(({ pid }) => !canSeeSocketsOf(pid))
    if (opaque.length === 0) return []
    const unowned = ports.filter((port) => !owners.has(port))
    const isInUse = (await Promise.all(unowned.map(isListening))).includes(true)
    return isInUse ? opaque : []
  } catch {
    return processes // Too many open files: any of them may use the ports.
  }
}

function canSeeSocketsOf(pid: number): boolean {
  try {
    readdirSync(`/proc/${pid}/fd`)
    return true
  } catch {
    return false
  }
}

function namesOf(processes: readonly ProcessIdentity[]): string {
  return listNames(
    processes.map(({ pid }) => processName(pid)),
    MAX_NAMED_PROCESSES,
  )
}
