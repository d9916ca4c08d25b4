import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { atProcessExit } from '@portslice/core/internal'
import type { ConnectionTarget } from './connection.js'

/** How long a process that exits waits until the server has ended its session. */
const CLOSE_TIMEOUT_MS = 200

/** The data that the renewal thread gets. */
export interface RenewalTarget extends ConnectionTarget {
  /** One integer in shared memory; 1 once the session has been closed. */
  readonly closed: SharedArrayBuffer
}

/** The messages to the renewal thread. */
export type RenewalRequest = 'begin' | 'close'

/** The messages from the renewal thread. */
export type RenewalMessage =
  | { readonly isReady: true }
  | { readonly renewedAt: unknown }
  | { readonly lost: string }

interface RenewalListener {
  /** By the clock of the server. */
  readonly onRenewed: (at: unknown) => void
  readonly onLost: (reason: string) => void
}

/** Renews a session in a separate thread, so that a blocked event loop does not lose it. */
export class Renewal {
  /** Resolves once the thread can renew: on a busy machine it may start for longer than a session lasts. */
  readonly ready: Promise<unknown>
  readonly #worker: Worker
  readonly #closed = new Int32Array(new SharedArrayBuffer(4))
  #isStopped = false
  #forgetExit = () => {}

  /** Starts the thread, which loads its code and connects in the background. */
  constructor(target: ConnectionTarget, { onRenewed, onLost }: RenewalListener) {
    const workerData: RenewalTarget = { ...target, closed: this.#closed.buffer }
    const worker = new Worker(new URL('./renewal-worker.js', import.meta.url), {
      workerData,
      // Options of this process, such as a loader, are not meant for the thread.
      execArgv: [],
    })
    this.#worker = worker
    this.ready = Promise.race([once(worker, 'message'), once(worker, 'exit')])
    // An error of the thread is reported by `onLost` as well.
    this.ready.catch(() => {})
    const lose = (reason: string) => {
      if (this.#isStopped) return
      this.stop()
      onLost(reason)
    }
    worker.on('message', (message: RenewalMessage) => {
      if ('lost' in message) lose(message.lost)
      if ('renewedAt' in message) onRenewed(message.renewedAt)
    })
    worker.on('error', (error) =>
      lose(`the thread that renews the session failed: ${error.message}`),
    )
    worker.on('exit', () => lose('the thread that renews the session has ended'))
  }

  /** Resolves once the session has been renewed for the first time. */
  async begin(): Promise<void> {
    const first = once(this.#worker, 'message')
    this.#ask('begin')
    const [message] = (await first) as [RenewalMessage]
    if ('lost' in message) throw new Error(message.lost)
    this.#worker.unref()
    this.#forgetExit = atProcessExit(() => this.#closeSession())
  }

  #ask(request: RenewalRequest): void {
    this.#worker.postMessage(request)
  }

  /**
   * Called when the process exits. The thread ends the session, because the event loop of the process no longer
   * runs. Ports that are out stay recorded as those of a dead holder.
   */
  #closeSession(): void {
    this.#ask('close')
    Atomics.wait(this.#closed, 0, 0, CLOSE_TIMEOUT_MS)
  }

  stop(): void {
    this.#isStopped = true
    this.#forgetExit()
    void this.#worker.terminate()
  }
}
