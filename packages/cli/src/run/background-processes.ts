/** The processes that a program has left running. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect, isListening, ownersOfAll } from '@portslice/core/internal/inspect'
import type { ProcessIdentity, ProcessTree } from '@portslice/process-tree'
import { processName } from '../terminal/process-name.js'
import { say } from '../terminal/say.js'
import { isEndSignal, isInOurGroup } from './signal-forwarder.js'

/** Most of what a program leaves ends at once: only what stays longer is worth a line. */
const NOTICE_DELAY_MS = 1500
/** After a signal, people look at the terminal sooner. */
const SIGNAL_NOTICE_DELAY_MS = 500
/** How often to look whether a port is in use: each look reads all of /proc. */
const FIRST_POLL_INTERVAL_MS = 50
const MAX_POLL_INTERVAL_MS = 1000
/** What a process gets after SIGTERM before portslice ends without it. */
const SIGTERM_TIMEOUT_MS = 1000

const MAX_NAMED_PROCESSES = 4

export interface BackgroundOptions {
  tree: ProcessTree
  /** The program that has ended, for messages. */
  command: string
  /** The leased ports. */
  ports: readonly number[]
  /** ms without use of a leased port after which the wait ends; `undefined`: wait for every process. */
  linger: number | undefined
}

export class BackgroundProcesses {
  readonly #tree: ProcessTree
  readonly #command: string
  readonly #ports: readonly number[]
  readonly #linger: number | undefined
  readonly #interrupted = new AbortController()
  #wasToldToEnd = false
  /** What has been said: each notice comes once. */
  readonly #said = new Set<'in use' | 'idle'>()

  constructor({ tree, command, ports, linger }: BackgroundOptions) {
    this.#tree = tree
    this.#command = command
    this.#ports = ports
    this.#linger = linger
  }

  /** Waits as long as a leased port is in use, and for `linger` after that. */
  async wait(): Promise<void> {
    // Stops every timer at the end: they would keep this process from ending.
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
      const left = this.#linger === undefined ? Infinity : unusedSince + this.#linger - now
      const isOver = users.length === 0 && left <= 0
      if (isOver || now - start >= NOTICE_DELAY_MS) this.#report(rest, users)
      if (isOver) return
      const untilLooked = Math.min(interval, MAX_POLL_INTERVAL_MS)
      const pause = users.length > 0 ? untilLooked : Math.min(untilLooked, left)
      await Promise.race([gone, sleep(pause, undefined, { signal }).catch(() => {})])
    }
  }

  /** Passes a signal on. The second that tells to end ends the wait, whatever the processes do. */
  async signal(signal: NodeJS.Signals, wasForGroup: boolean): Promise<void> {
    if (isEndSignal(signal)) {
      if (this.#wasToldToEnd) return this.#interrupted.abort()
      this.#wasToldToEnd = true
      void this.#reportSurvivors(signal)
    }
    for (const { pid } of await this.#tree.processes()) {
      if (wasForGroup && isInOurGroup(pid)) continue
      try {
        process.kill(pid, signal)
      } catch {
        // It has ended meanwhile, or belongs to another user.
      }
    }
  }

  #report(rest: readonly ProcessIdentity[], users: readonly ProcessIdentity[]): void {
    const notice = users.length > 0 ? 'in use' : 'idle'
    if (this.#said.has(notice)) return
    this.#said.add(notice)
    const command = inspect(this.#command)
    const ctrlC = this.#wasToldToEnd ? 'Ctrl-C ends the wait' : 'Ctrl-C tells them to end'
    if (users.length > 0) {
      const ports = this.#ports.length === 1 ? `port ${this.#ports[0]} is` : 'the ports are'
      say(
        `${command} has ended, but ${ports} still in use. Waiting for ${namesOf(users)}. ${ctrlC}.`,
      )
    } else if (this.#linger === undefined) {
      say(
        `${command} has ended. Waiting for the processes it left (--wait-all): ${namesOf(rest)}. ${ctrlC}.`,
      )
    } else {
      say(
        `${command} has ended, but left processes that use none of its ports: ${namesOf(rest)}. They are left running when no port has been in use for ${this.#linger / 1000} s (--linger).`,
      )
    }
  }

  /** Says how to end the wait, if the processes have not ended by the signal. */
  async #reportSurvivors(signal: NodeJS.Signals): Promise<void> {
    await sleep(SIGNAL_NOTICE_DELAY_MS, undefined, { ref: false })
    const rest = await this.#tree.processes()
    if (rest.length === 0 || this.#interrupted.signal.aborted) return
    say(
      `still running after ${signal}: ${namesOf(rest)}. Press Ctrl-C again to send them SIGTERM and end portslice.`,
    )
  }

  /** A shell starts background processes deaf to SIGINT, but not to SIGTERM. */
  async #terminate(): Promise<void> {
    await this.#tree.signal('SIGTERM')
    await this.#tree.untilGone({ signal: AbortSignal.timeout(SIGTERM_TIMEOUT_MS) }).catch(() => {})
    const rest = await this.#tree.processes()
    if (rest.length > 0)
      say(`these processes go on after SIGTERM: ${namesOf(rest)}. End them with kill -9.`)
  }
}

/**
 * Those that listen on one of the ports, or have it bound for UDP. A process that this user may
 * not look into counts if the listener is unknown: unknown is not absent.
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
    return processes // The system refuses to open more files.
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
  const names = processes.slice(0, MAX_NAMED_PROCESSES).map(({ pid }) => processName(pid))
  const more = processes.length - names.length
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}
