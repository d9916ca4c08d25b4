import {
  clearTimeout,
  type Deadline,
  deadlineIn,
  monotonicNow,
  setTimeout,
} from '../platform/clock.js'
import { untilAborted } from './abort.js'

/** The delay shrinks during the wait: the process that has waited longest tries most often. */
export const FIRST_DELAY_MS = 300
const MIN_DELAY_MS = 8
/** The delay halves whenever the wait doubles: 90 ms after 1 s, 18 ms after 5 s. */
const DELAY_TIMES_WAIT_MS2 = FIRST_DELAY_MS * FIRST_DELAY_MS
/** After this time, others overtake the oldest request only in every other period, so that a large one gets a turn. */
const FREE_OVERTAKING_MS = 1000
const OVERTAKING_PERIOD_MS = 250
/** The delay after a slow try leaves most of the time to other processes. */
const DELAY_PER_TRY_TIME = 3
const MAX_DELAY_FOR_TRY_TIME_MS = 250

interface Request {
  serve(): Promise<boolean>
  readonly deadline: Deadline
  readonly since: number
  isDone: boolean
}

export interface RequestOptions<T> {
  /** In ms. */
  timeout: number
  signal?: AbortSignal | undefined
  /** Makes the error that is thrown after the timeout. */
  onTimeout: () => Promise<Error>
  /** Gives back a result that comes after the abort. */
  undo?: (result: T) => void
}

/** Serves requests for things that other users return. A request that cannot be served yet may be overtaken. */
export class WaitList {
  readonly #waiting: Request[] = []
  readonly #onRound: () => void
  #isBusy = false
  #wake: (() => void) | undefined
  #isWoken = false

  /** @param onRound called before each round, in which every request may be tried once */
  constructor(onRound = () => {}) {
    this.#onRound = onRound
  }

  async add<T>(attempt: () => Promise<T | undefined>, options: RequestOptions<T>): Promise<T> {
    const deadline = deadlineIn(options.timeout)
    if (this.#isBusy || this.#waiting.length > 0) return this.#wait(attempt, deadline, options)
    this.#isBusy = true
    let result: T | undefined
    try {
      this.#onRound()
      result = await attempt()
    } catch (error) {
      this.#isBusy = false
      void this.#serve()
      throw error
    }
    this.#isBusy = false
    if (result === undefined) return this.#wait(attempt, deadline, options, true)
    if (this.#waiting.length > 0) void this.#serve()
    return result
  }

  /** Runs a task in turn with the requests. */
  async run(task: () => Promise<void>): Promise<void> {
    const attempt = async () => {
      await task()
      return true
    }
    await this.add(attempt, {
      timeout: Number.POSITIVE_INFINITY,
      onTimeout: async () => new Error('A task without a deadline timed out.'),
    })
  }

  /** Call when something was returned. */
  wake(): void {
    this.#isWoken = true
    this.#wake?.()
  }

  #wait<T>(
    attempt: () => Promise<T | undefined>,
    deadline: Deadline,
    { signal, onTimeout, undo }: RequestOptions<T>,
    isOldest = false,
  ): Promise<T> {
    let request: Request | undefined
    const served = new Promise<T>((resolve, reject) => {
      request = {
        deadline,
        since: monotonicNow(),
        isDone: false,
        serve: async () => {
          try {
            const result = await attempt()
            if (result !== undefined) resolve(result)
            else if (deadline.expired)
              onTimeout().then(reject, reject) // Others need not wait for it.
            else return false
          } catch (error) {
            reject(error)
          }
          return true
        },
      }
    })
    const waiting = request as unknown as Request
    // Other requests may have arrived during the first try of the oldest.
    if (isOldest) this.#waiting.unshift(waiting)
    else this.#waiting.push(waiting)
    this.wake()
    void this.#serve()
    if (!signal) return served
    return untilAborted(served, signal).catch((error) => {
      if (signal.aborted) {
        waiting.isDone = true
        // An attempt that is running may still succeed.
        if (undo) void served.then(undo, () => {})
        this.#wake?.()
      }
      throw error
    })
  }

  async #serve(): Promise<void> {
    if (this.#isBusy) return
    this.#isBusy = true
    try {
      while (this.#waiting.length > 0) {
        this.#isWoken = false
        const start = monotonicNow()
        await this.#serveRound()
        this.#removeDone()
        const [oldest] = this.#waiting
        if (!oldest || this.#isWoken) continue
        const now = monotonicNow()
        const delay = delayAfter(now - oldest.since, now - start)
        const left = Math.min(...this.#waiting.map(({ deadline }) => deadline.left))
        await this.#sleep(Math.min(delay, left))
        this.#removeDone()
      }
    } finally {
      this.#isBusy = false
    }
  }

  async #serveRound(): Promise<void> {
    this.#onRound()
    const mayOvertake = this.#mayOvertake()
    const round = this.#waiting.filter(
      ({ deadline }, index) => mayOvertake || index === 0 || deadline.expired,
    )
    let restarts = round.length
    for (let index = 0; index < round.length; index++) {
      const request = round[index] as Request
      if (!request.isDone) request.isDone = await request.serve()
      // Begin again with the oldest, which gets first what was returned meanwhile. Bounded, as it may need more.
      if (!this.#isWoken || restarts-- <= 0) continue
      this.#isWoken = false
      this.#onRound()
      index = -1
    }
  }

  #mayOvertake(): boolean {
    const [oldest] = this.#waiting
    const waited = oldest ? monotonicNow() - oldest.since : 0
    return waited < FREE_OVERTAKING_MS || Math.floor(waited / OVERTAKING_PERIOD_MS) % 2 === 1
  }

  #removeDone(): void {
    const left = this.#waiting.filter(({ isDone }) => !isDone)
    this.#waiting.splice(0, this.#waiting.length, ...left)
  }

  async #sleep(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, ms)
    })
    clearTimeout(timer)
    this.#wake = undefined
  }
}

function delayAfter(waited: number, tryTime: number): number {
  const fair = Math.min(FIRST_DELAY_MS, DELAY_TIMES_WAIT_MS2 / Math.max(1, waited))
  const jitter = 0.5 + Math.random()
  const forOthers = Math.min(tryTime * DELAY_PER_TRY_TIME, MAX_DELAY_FOR_TRY_TIME_MS)
  return Math.max(Math.max(MIN_DELAY_MS, fair) * jitter, forOthers)
}
