import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

/** What the renewal thread needs. */
export interface RenewalTarget {
  readonly url: string
  readonly host: string
  readonly owner: string
}

/** What it reports. */
export type RenewalMessage =
  | { readonly isReady: true }
  | { readonly isRenewed: true }
  | { readonly lost: string }

/** Renews a session in a thread of its own, so that a blocked event loop does not lose it. */
export class Renewal {
  /** Resolves once the thread can renew: on a busy machine it may start for longer than a session lasts. */
  readonly ready: Promise<unknown>
  readonly #worker: Worker
  #isStopped = false

  /** Starts the thread, which loads and connects meanwhile. */
  constructor(target: RenewalTarget, onLost: (reason: string) => void) {
    const worker = new Worker(new URL('./renewal-worker.js', import.meta.url), {
      workerData: target,
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
    })
    worker.on('error', (error) =>
      lose(`the thread that renews the session failed: ${error.message}`),
    )
    worker.on('exit', () => lose('the thread that renews the session has ended'))
  }

  /** Resolves once the session has been renewed for the first time. */
  async begin(): Promise<void> {
    const first = once(this.#worker, 'message')
    this.#worker.postMessage('begin')
    const [message] = (await first) as [RenewalMessage]
    if ('lost' in message) throw new Error(message.lost)
    this.#worker.unref()
  }

  stop(): void {
    this.#isStopped = true
    void this.#worker.terminate()
  }
}
