/** Hands out ports of the slices that it leases. */

import { codeOf, inspect, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { type AllocatorOptions, checkTakeOptions, type TakeOptions } from '../options/options.js'
import { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
import { clearTimeout, type Deadline, deadlineIn, nextTurn, setTimeout } from '../platform/clock.js'
import { isFree } from '../probe/free.js'
import { isLeaked } from '../probe/leak.js'
import { guardWithTimeWait } from '../probe/time-wait.js'
import { HeldSlice, type SliceHolder } from '../slice/held-slice.js'
import { PORTS_PER_SLICE, SLICE_SIZE } from '../slice/layout.js'
import { ClosedWatch } from './closed-watch.js'
import { rangeExhausted } from './exhausted.js'
import { identityOf } from './identity.js'
import { Lease, type PortLease } from './lease.js'
import { Queue, throwIfAborted, untilAborted } from './queue.js'
import { SlicePorts } from './slice-ports.js'
import { warnOnce } from './warning.js'

/** Hands out ports of the slices that it has leased. Disposing of it is to close it. */
export interface PortAllocator extends AsyncDisposable {
  /** The slices held now. */
  readonly slices: readonly {
    /** The first port. */
    first: number
    /** The last port: the sentinel, which is not handed out. */
    last: number
  }[]
  /**
   * Hands out a port that is nobody else's until it is released.
   *
   * @param options what the port is for
   * @throws PortsliceError ERR_PORTSLICE_RANGE_EXHAUSTED when all are taken for `waitTimeout`,
   *   …_OPTION_INVALID, …_CLOSED; the signal's reason when aborted
   * @example
   * await using lease = await allocator.take({ label: 'api' })
   * server.listen(lease.port)
   */
  take(options?: TakeOptions): Promise<PortLease>
  /**
   * Hands out `count` ports, or none. With a `key`, each port has one of its own derived from it.
   *
   * @param count 1 to 65535; what one slice does not have comes from others
   * @param options what the ports are for
   * @throws PortsliceError as {@link take} does
   * @example
   * const [api, web] = await allocator.takeMany(2)
   */
  takeMany(count: number, options?: TakeOptions): Promise<PortLease[]>
  /**
   * Hands out `count` consecutive ports, ascending, or none: for apps that take `port + 1` for
   * themselves.
   *
   * @param count 1 to 31, as they lie in one slice
   * @param options what the ports are for
   * @throws PortsliceError as {@link take} does
   * @example
   * const [main, metrics] = await allocator.takeBlock(2)
   */
  takeBlock(count: number, options?: TakeOptions): Promise<PortLease[]>
  /** Releases every port and gives back every slice. Closing twice does no harm. */
  close(): Promise<void>
}

/** The most ports that one call may ask for: all that there are. */
const MOST_PORTS = 65_535
/** Waits before all slices are tried again, in ms: doubling, and jittered so that processes disperse. */
const FIRST_WAIT = 25
const LONGEST_WAIT = 500
/** Of a lock directory that served before, or will again: the sentinel protects meanwhile. */
const PASSING_DISK_TROUBLE = new Set(['ENOSPC', 'EDQUOT', 'EIO', 'ENOENT'])

/** After so many releases the event loop has a turn: often enough for a timer, seldom enough to cost nothing. */
const TURN_AFTER = 16

/** A port that is out, however many hold it by its key. */
interface OutPort {
  readonly port: number
  readonly from: SlicePorts
  readonly key: string | undefined
  holders: number
  released?: Promise<{ leaked: boolean }>
}

/** What one call takes: consecutive ports, each with its key, if any. */
interface Wish {
  readonly keys: readonly (string | undefined)[]
  readonly options: TakeOptions
  readonly deadline: Deadline
}

/**
 * Leases a slice of the range for this worker, and gives an allocator of its ports.
 *
 * @param options which ports, whose, and how long to wait; all of them have defaults
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   …_LOCK_DIRECTORY; …_RANGE_EXHAUSTED when no slice is free for `waitTimeout`
 * @example
 * await using allocator = await createAllocator({ range: [20000, 29999] })
 * const api = await allocator.take({ label: 'api' })
 */
export async function createAllocator(options: AllocatorOptions = {}): Promise<PortAllocator> {
  return openAllocator(resolveOptions(options))
}

export async function openAllocator(settings: ResolvedOptions): Promise<Allocator> {
  const allocator = new Allocator(settings)
  await allocator.open()
  return allocator
}

export class Allocator implements PortAllocator {
  readonly #settings: ResolvedOptions
  readonly #holder: SliceHolder
  readonly #queue = new Queue()
  readonly #held: SlicePorts[] = []
  readonly #out = new Set<OutPort>()
  readonly #byKey = new Map<string, OutPort>()
  readonly #closedWatch = new ClosedWatch()
  #releases = 0
  #closing: Promise<void> | undefined
  /** Wakes up whoever waits for a port. */
  #wake = () => {}

  constructor(settings: ResolvedOptions) {
    this.#settings = settings
    this.#holder = {
      lockDirectory: settings.lockDirectory,
      identity: identityOf(settings),
      onTrouble: (error) => warnOnce(settings.lockDirectory, error),
      canWait: (error) =>
        !isOutOfDescriptors(error) &&
        (this.#held.length > 0 || PASSING_DISK_TROUBLE.has(codeOf(error))),
    }
  }

  get slices(): readonly { first: number; last: number }[] {
    return this.#held.map(({ slice }) => ({ first: slice.first, last: slice.last }))
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Leases the first slice, so that a machine without room says so before a test runs. */
  async open(): Promise<void> {
    const deadline = this.#deadline()
    await this.#queue.run(() => this.#untilRoom((held) => Promise.resolve(held), deadline))
  }

  async take(options: TakeOptions = {}): Promise<PortLease> {
    checkTakeOptions(options)
    const [lease] = await this.#takeRun(1, options)
    return lease as PortLease
  }

  async takeBlock(count: number, options: TakeOptions = {}): Promise<PortLease[]> {
    checkCount(count, PORTS_PER_SLICE, 'takeBlock')
    checkTakeOptions(options)
    return this.#takeRun(count, options)
  }

  async takeMany(count: number, options: TakeOptions = {}): Promise<PortLease[]> {
    checkCount(count, MOST_PORTS, 'takeMany')
    checkTakeOptions(options)
    const deadline = this.#deadline()
    // One turn for all: two who take turns could each wait for what the other has.
    return this.#queue.run(async () => {
      const leases: PortLease[] = []
      try {
        for (const key of keysOf(options, count)) {
          leases.push(...(await this.#fulfil({ keys: [key], options, deadline })))
        }
        return leases
      } catch (error) {
        await Promise.all(leases.map((lease) => lease.release()))
        throw error
      }
    }, options.signal)
  }

  /** `waitTimeout` counts from the call, not from its turn. */
  #deadline(): Deadline {
    return deadlineIn(this.#settings.waitTimeout)
  }

  /** Takes `count` consecutive ports. */
  #takeRun(count: number, options: TakeOptions): Promise<PortLease[]> {
    const keys = keysOf(options, count)
    throwIfAborted(options.signal)
    const shared = this.#sharedRun(keys, options)
    if (shared) return Promise.resolve(shared) // Nothing to wait for, so no turn to wait for.
    const deadline = this.#deadline()
    return this.#queue.run(() => this.#fulfil({ keys, options, deadline }), options.signal)
  }

  #fulfil(wish: Wish): Promise<PortLease[]> {
    const { keys, options, deadline } = wish
    const shared = this.#sharedRun(keys, options)
    if (shared) return Promise.resolve(shared)
    return this.#untilRoom((held) => this.#pick(held, wish), deadline, options.signal)
  }

  /** The ports that are out under these keys, if all are, side by side. */
  #sharedRun(keys: readonly (string | undefined)[], options: TakeOptions): PortLease[] | undefined {
    const ports: OutPort[] = []
    for (const key of keys) {
      const out = key === undefined ? undefined : this.#byKey.get(key)
      const isNext = ports.length === 0 || out?.port === (ports[0] as OutPort).port + ports.length
      if (!out || out.released || !isNext) return undefined
      ports.push(out)
    }
    return this.#leasesOf(ports, options)
  }

  #leasesOf(ports: readonly OutPort[], { label, releaseWhenClosed }: TakeOptions): PortLease[] {
    return ports.map((out) => {
      out.holders++
      let forget = () => {}
      const lease = new Lease(out.port, label, () => {
        forget()
        return this.#giveBack(out)
      })
      if (releaseWhenClosed) {
        forget = this.#closedWatch.whenClosed(out.port, () => void lease.release())
      }
      return lease
    })
  }

  /**
   * Tries every slice that is held, then every other one that may be leased, and again,
   * until `attempt` succeeds on one of them or the time is up.
   */
  async #untilRoom<T>(
    attempt: (held: SlicePorts) => Promise<T | undefined>,
    deadline: Deadline,
    signal?: AbortSignal,
  ): Promise<T> {
    for (let wait = FIRST_WAIT; ; wait = Math.min(wait * 2, LONGEST_WAIT)) {
      let shortage: unknown
      try {
        const result = await this.#onAnySlice(attempt, signal)
        if (result !== undefined) return result
      } catch (error) {
        if (!isOutOfDescriptors(error)) throw error
        shortage = error
      }
      if (deadline.expired) {
        throw await rangeExhausted(this.#settings, this.slices, shortage)
      }
      await this.#untilWoken(wait * (0.5 + Math.random()), signal)
    }
  }

  async #onAnySlice<T>(
    attempt: (held: SlicePorts) => Promise<T | undefined>,
    signal: AbortSignal | undefined,
  ): Promise<T | undefined> {
    for (const held of this.#held) {
      this.#checkOn(signal)
      const result = await attempt(held)
      if (result !== undefined) return result
    }
    const mine = new Set(this.#held.map(({ slice }) => slice.first))
    for (const first of this.#settings.slices) {
      this.#checkOn(signal)
      const slice = mine.has(first) ? undefined : await this.#lease(first)
      if (!slice) continue
      const held = new SlicePorts(slice)
      let result: T | undefined
      try {
        result = await attempt(held)
        if (result !== undefined) {
          this.#held.push(held)
          return result
        }
      } finally {
        // Nothing there that is of use, or no longer asked for: leave it to others.
        if (result === undefined) await slice.giveBack()
      }
    }
    return undefined
  }

  async #lease(first: number): Promise<HeldSlice | undefined> {
    try {
      return await HeldSlice.take(first, this.#holder)
    } catch (error) {
      if (error instanceof PortsliceError || isOutOfDescriptors(error)) throw error
      throw new PortsliceError(
        'ERR_PORTSLICE_NO_SOCKET',
        `No UDP socket can be bound on 127.0.0.1 (${(error as Error).message}).`,
        {
          advice:
            'portslice needs the loopback interface to be up and sockets to be allowed: see `ip addr show lo` and the sandbox that this runs in.',
          cause: error,
        },
      )
    }
  }

  /** Finds consecutive ports that nobody uses, and notes them as out. */
  async #pick(held: SlicePorts, { keys, options }: Wish): Promise<PortLease[] | undefined> {
    for (const first of held.starts(keys, this.#settings.order)) {
      this.#checkOn(options.signal)
      if (!(await this.#areUsable(first, keys.length))) continue
      this.#checkOn(options.signal)
      const ports = keys.map((key, index) => {
        const out: OutPort = { port: first + index, from: held, key, holders: 0 }
        held.take(out.port, key)
        held.slice.journal.take(out.port, { label: options.label, key })
        this.#out.add(out)
        if (key !== undefined) this.#byKey.set(key, out)
        return out
      })
      return this.#leasesOf(ports, options)
    }
    return undefined
  }

  async #areUsable(first: number, count: number): Promise<boolean> {
    for (let port = first; port < first + count; port++) {
      if (!(await isFree(port))) return false
      if (this.#settings.guards(port) && (await guardWithTimeWait(port)) === 'taken') return false
    }
    return true
  }

  #giveBack(out: OutPort): Promise<{ leaked: boolean }> {
    out.holders--
    return out.holders > 0 ? Promise.resolve({ leaked: false }) : this.#release(out)
  }

  #release(out: OutPort): Promise<{ leaked: boolean }> {
    out.released ??= this.#endOf(out)
    return out.released
  }

  async #endOf(out: OutPort): Promise<{ leaked: boolean }> {
    const leaked = await isLeaked(out.port)
    // Nothing so far has waited for anything. Where ports are taken and given back in a loop, the event
    // loop would have no turn: no timer, no refresh of the lock, and what was closed stays in memory.
    if (++this.#releases % TURN_AFTER === 0) await nextTurn()
    out.from.slice.journal.release(out.port, leaked)
    out.from.release(out.port)
    this.#out.delete(out)
    if (out.key !== undefined && this.#byKey.get(out.key) === out) this.#byKey.delete(out.key)
    this.#wake()
    return { leaked }
  }

  /** Waits for a port of our own to come back, or `ms` for somebody else's. */
  async #untilWoken(ms: number, signal: AbortSignal | undefined): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const woken = new Promise<void>((resolve) => {
      this.#wake = resolve
      timer = setTimeout(resolve, ms)
    })
    try {
      await untilAborted(woken, signal)
    } finally {
      clearTimeout(timer)
      this.#wake = () => {}
    }
  }

  /** Whether to go on. */
  #checkOn(signal: AbortSignal | undefined): void {
    throwIfAborted(signal)
    if (this.#closing) {
      throw new PortsliceError('ERR_PORTSLICE_CLOSED', 'This allocator has been closed.', {
        advice: 'Take ports before you close it, or create another one.',
      })
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#wake()
    this.#closedWatch.stop()
    await this.#queue.run(async () => {
      await Promise.all([...this.#out].map((out) => this.#release(out)))
      await Promise.all(this.#held.map(({ slice }) => slice.giveBack()))
      this.#held.length = 0
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

/**
 * The keys of `count` ports. The first has the key itself, so that one port and many agree on
 * it; the others get the unit separator and their number, which no key of a user's is to have.
 */
function keysOf({ key }: TakeOptions, count: number): (string | undefined)[] {
  if (count === 1) return [key]
  return Array.from({ length: count }, (_, index) =>
    key === undefined || index === 0 ? key : `${key}\u001f${index}`,
  )
}

function checkCount(count: unknown, most: number, method: string): void {
  if (Number.isInteger(count) && (count as number) >= 1 && (count as number) <= most) return
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `${method} was asked for ${inspect(count)} ports.`,
    {
      value: count,
      advice:
        most === PORTS_PER_SLICE
          ? `Ask for 1 to ${most}: consecutive ports must lie in one slice of ${SLICE_SIZE}.`
          : `Ask for 1 to ${most}.`,
    },
  )
}
