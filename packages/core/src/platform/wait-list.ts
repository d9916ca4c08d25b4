/** Requests that wait for something which others give back: tried in the order they came. */
import { untilAborted } from './abort.js'
import { clearTimeout, type Deadline, deadlineIn, monotonicNow, setTimeout } from './clock.js'

/**
 * The delay between two tries, in ms: the longer a request has waited, the shorter. So whoever has
 * waited longest tries most often, and a newcomer, in this process or another, does not overtake.
 */
const FIRST_DELAY_MS = 300
const SHORTEST_DELAY_MS = 8
/** From the first delay on, it halves whenever the wait has doubled: 90 ms after a second, 18 ms after five. */
const DELAY_TIMES_WAIT = FIRST_DELAY_MS * FIRST_DELAY_MS
/**
 * When the oldest request has waited for so long, in ms, later ones may not pass it all the time: what
 * is given back would go to small requests for ever, and never be enough for a large one. Turns in
 * which they may pass and turns in which they may not follow each other.
 */
const PATIENCE_MS = 1000
const TURN_MS = 250
/** A try over hundreds of slices takes longer than the shortest delay: most of the time is left to others. */
const DELAY_PER_TRY_TIME = 3
const LONGEST_DELAY_FOR_TRY_TIME_MS = 250

interface Request {
  /** Tries to serve it; `true` when it is done, with or without success. */
  serve(): Promise<boolean>
  readonly deadline: Deadline
  /** On the monotonic clock. */
  readonly since: number
  isDone: boolean
}

export interface RequestOptions<T> {
  /** How long it may wait, in ms. */
  timeout: number
  signal?: AbortSignal | undefined
  /** Makes the error for a request that was not served in time. */
  onTimeout: () => Promise<Error>
  /** Takes back a result that came at the moment of the abort. */
  undo?: (result: T) => void
}

/**
 * Serves requests one at a time, in the order they came. One that cannot be served yet lets later
 * ones pass. While any waits, all are tried again, sooner and sooner.
 */
export class WaitList {
  readonly #waiting: Request[] = []
  readonly #onRound: () => void
  #isBusy = false
  #wake: (() => void) | undefined
  /** Whether something was given back, or asked for, since the last round began. */
  #isWoken = false

  /** @param onRound called before requests are tried, once for all that are tried together */
  constructor(onRound = () => {}) {
    this.#onRound = onRound
  }

  /**
   * Waits until `attempt` gives a result.
   *
   * @param attempt gives `undefined` when it cannot be served yet
   * @throws what `attempt` throws, what `onTimeout` makes, or the signal's reason
   */
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

  /** Runs `task` while no request is being tried. */
  async run(task: () => Promise<void>): Promise<void> {
    const attempt = async () => {
      await task()
      return true
    }
    await this.add(attempt, {
      timeout: Number.POSITIVE_INFINITY,
      onTimeout: async () => new Error('A task without a deadline has none to miss.'),
    })
  }

  /** Something has been given back: everyone who waits is tried again. */
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
              onTimeout().then(reject, reject) // Others are not to wait for it.
            else return false
          } catch (error) {
            reject(error)
          }
          return true
        },
      }
    })
    const waiting = request as unknown as Request
    // Others may have come while the oldest was tried for the first time.
    if (isOldest) this.#waiting.unshift(waiting)
    else this.#waiting.push(waiting)
    this.wake()
    void this.#serve()
    if (!signal) return served
    return untilAborted(served, signal).catch((error) => {
      if (signal.aborted) {
        waiting.isDone = true
        // An attempt may be under way, and succeed.
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
        this.#forgetDone()
        const [oldest] = this.#waiting
        if (!oldest || this.#isWoken) continue
        const now = monotonicNow()
        const delay = delayAfter(now - oldest.since, now - start)
        const left = Math.min(...this.#waiting.map(({ deadline }) => deadline.left))
        await this.#sleep(Math.min(delay, left))
        this.#forgetDone()
      }
    } finally {
      this.#isBusy = false
    }
  }

  async #serveRound(): Promise<void> {
    this.#onRound()
    const mayPass = this.#mayPass()
    const round = this.#waiting.filter(
      ({ deadline }, index) => mayPass || index === 0 || deadline.expired,
    )
    let restarts = round.length
    for (let index = 0; index < round.length; index++) {
      const request = round[index] as Request
      if (!request.isDone) request.isDone = await request.serve()
      // What was given back meanwhile is for the oldest first; not for ever, as it may be of no use to that.
      if (!this.#isWoken || restarts-- <= 0) continue
      this.#isWoken = false
      this.#onRound()
      index = -1
    }
  }

  /** Whether later requests may be served before the oldest one: see `PATIENCE_MS`. */
  #mayPass(): boolean {
    const [oldest] = this.#waiting
    const waited = oldest ? monotonicNow() - oldest.since : 0
    return waited < PATIENCE_MS || Math.floor(waited / TURN_MS) % 2 === 1
  }

  #forgetDone(): void {
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
  const fair = Math.min(FIRST_DELAY_MS, DELAY_TIMES_WAIT / Math.max(1, waited))
  const jitter = 0.5 + Math.random()
  const forOthers = Math.min(tryTime * DELAY_PER_TRY_TIME, LONGEST_DELAY_FOR_TRY_TIME_MS)
  return Math.max(Math.max(SHORTEST_DELAY_MS, fair) * jitter, forOthers)
}

/** How long others may try first, in ms: they look at least once in it when they have waited for a while. */
const COURTESY_MS = 100
/** So often in a row a turn is had at the first try before it is taken that no process waits. */
const TURNS_WITHOUT_WAIT = 3

/**
 * Turns of this process with something that processes wait for. One that had to wait for another
 * process, and asks again as soon as its turn has ended, would be ahead of all who wait: it lets them
 * try first.
 */
export class Turns {
  /** For how many turns more other processes are expected to wait. */
  #expected = 0
  #endedAt = Number.NEGATIVE_INFINITY

  /**
   * @param attempt gives `undefined` when it cannot be served yet
   * @param timeout of the request, in ms: a short one has no time for courtesy
   * @param isHeldByOthers whether another process was in the way of the last attempt
   * @returns the attempt to use instead
   */
  begin<T>(
    attempt: () => Promise<T | undefined>,
    timeout: number,
    isHeldByOthers: () => boolean,
  ): () => Promise<T | undefined> {
    const isPolite = this.#expected > 0 && timeout > 2 * FIRST_DELAY_MS
    const earliest = isPolite ? this.#endedAt + COURTESY_MS : Number.NEGATIVE_INFINITY
    let isFirst = true
    return async () => {
      if (monotonicNow() < earliest) return undefined
      const result = await attempt()
      if (result !== undefined && isFirst && this.#expected > 0) this.#expected--
      if (result === undefined && isHeldByOthers()) this.#expected = TURNS_WITHOUT_WAIT
      isFirst = false
      return result
    }
  }

  end(): void {
    this.#endedAt = monotonicNow()
  }
}

/** The turns with each thing, by its name: of what is not wanted by others, nothing has to be known. */
export class TurnsByName {
  readonly #turns = new Map<string, Turns>()

  of(name: string): Turns {
    const known = this.#turns.get(name) ?? new Turns()
    this.#turns.set(name, known)
    return known
  }
}
