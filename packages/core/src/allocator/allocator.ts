/** Hands out ports of the slices that it leases. */
import { type Claim, isClaim, tryClaim } from '../claim/try-claim.js'
import { inspect, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { type AllocatorOptions, checkTakeOptions, type TakeOptions } from '../options/options.js'
import { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
import { throwIfAborted } from '../platform/abort.js'
import { WaitList } from '../platform/wait-list.js'
import { isFree } from '../probe/free.js'
import { isLeaked } from '../probe/leak.js'
import { isListeningForTcp } from '../probe/listening.js'
import { guardWithTimeWait } from '../probe/time-wait.js'
import { LAST_PORT, PORTS_PER_SLICE, SLICE_SIZE } from '../slice/layout.js'
import type { LeaseContext, Slice } from '../slice/slice.js'
import { rangeExhausted } from './exhausted.js'
import { Lease, type PortLease } from './lease.js'
import { leaseContextOf } from './lease-context.js'
import { LeasedPorts } from './leased-ports.js'
import { SlicePool } from './slice-pool.js'

/** Hands out ports of the slices that it has leased. Disposing of it closes it. */
export interface PortAllocator extends AsyncDisposable {
  /** The slices held now. */
  readonly slices: readonly {
    /** The first port. */
    first: number
    /** The last port: the sentinel, which is not handed out. */
    last: number
  }[]
  /**
   * Hands out a port that no other process gets until it is released.
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

export async function openAllocator(options: ResolvedOptions): Promise<Allocator> {
  const allocator = new Allocator(options)
  await allocator.open()
  return allocator
}

export class Allocator implements PortAllocator {
  readonly #options: ResolvedOptions
  readonly #context: LeaseContext
  readonly #pool: SlicePool
  readonly #ports: LeasedPorts
  readonly #requests = new WaitList()
  /** Preferred ports that lie in slices of other allocators, or in none. */
  readonly #claims = new Set<PortLease>()
  /** What the system said when it had no more sockets or files. */
  #shortage: unknown
  #closing: Promise<void> | undefined

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#context = leaseContextOf(options)
    this.#pool = new SlicePool(options.slices, this.#context)
    this.#ports = new LeasedPorts(() => this.#requests.wake())
  }

  get slices(): readonly { first: number; last: number }[] {
    return this.#pool.held.map(({ first, last }) => ({ first, last }))
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Leases the first slice, so that a machine without room says so before a test runs. */
  async open(): Promise<void> {
    await this.#request(() => this.#pool.findOn(async (slice) => slice))
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
    checkCount(count, LAST_PORT, 'takeMany')
    checkTakeOptions(options)
    throwIfAborted(options.signal)
    const keys = keysOf(options, count)
    const preferred = preferredPorts(options)
    return this.#request(() => this.#tryMany(keys, preferred.splice(0), options), options.signal)
  }

  /** Takes `count` consecutive ports. */
  async #takeRun(count: number, options: TakeOptions): Promise<PortLease[]> {
    const keys = keysOf(options, count)
    throwIfAborted(options.signal)
    // Nothing to wait for, so no turn to wait for.
    const shared = this.#ports.share(keys, options)
    if (shared) return shared
    const preferred = preferredPorts(options)
    return this.#request(
      async () =>
        (await this.#tryPreferred(preferred.splice(0), options)) ??
        (await this.#tryRun(keys, options)),
      options.signal,
    )
  }

  /** Tries until there is a result, for `waitTimeout` from now; others have their turns meanwhile. */
  #request<T extends PortLease[] | Slice>(
    attempt: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T> {
    const tryOnce = async () => {
      this.#checkWanted(signal)
      try {
        return await attempt()
      } catch (error) {
        if (!isOutOfDescriptors(error)) throw error
        this.#shortage = error
        return undefined
      }
    }
    return this.#requests.add(tryOnce, {
      timeout: this.#options.waitTimeout,
      signal,
      undo: (late) => void (Array.isArray(late) && this.#undo(late)),
      onTimeout: () => rangeExhausted(this.#options, this.#pool.held, this.#shortage),
    })
  }

  /** Consecutive ports, one for each key, on any slice. */
  async #tryRun(
    keys: readonly (string | undefined)[],
    options: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    const found =
      this.#ports.share(keys, options) ??
      (await this.#pool.findOn((slice) => this.#takeFrom(slice, keys, options)))
    if (found) this.#shortage = undefined
    return found
  }

  /** A port for each key. What was taken is given back when one is missing: no process waits with ports in hand. */
  async #tryMany(
    keys: readonly (string | undefined)[],
    preferred: number[],
    options: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    const heldBefore = this.#pool.held.length
    const leases: PortLease[] = []
    let isComplete = false
    try {
      for (const key of keys) {
        const taken =
          (await this.#tryPreferred(preferred, options)) ?? (await this.#tryRun([key], options))
        if (!taken) return undefined
        leases.push(...taken)
      }
      isComplete = true
      return leases
    } finally {
      if (!isComplete) {
        await this.#undo(leases)
        await this.#pool.giveBackAfter(Math.max(1, heldBefore))
      }
    }
  }

  async #takeFrom(
    slice: Slice,
    keys: readonly (string | undefined)[],
    options: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    this.#checkWanted(options.signal)
    const uses = keys.map((key) => ({ label: options.label, key }))
    const isUsable = (port: number) => this.#isUsable(port, options.signal)
    for (const first of slice.candidates(keys, this.#options.order)) {
      if (!(await slice.tryTake(first, uses, isUsable))) continue
      return keys.map((key, index) => this.#ports.add(slice, first + index, key, options))
    }
    return undefined
  }

  async #isUsable(port: number, signal: AbortSignal | undefined): Promise<boolean> {
    const isFreeNow = await isFree(port)
    this.#checkWanted(signal)
    if (!isFreeNow || !this.#options.needsTimeWait(port)) return isFreeNow
    const outcome = await guardWithTimeWait(port)
    this.#checkWanted(signal)
    return outcome !== 'taken'
  }

  /** The first preferred port that can be had at once; ports that were tried are removed. */
  async #tryPreferred(
    preferred: number[],
    { label, signal }: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    const context = { ...this.#context, needsTimeWait: this.#options.needsTimeWait }
    while (preferred.length > 0) {
      const port = preferred.shift() as number
      const claim = await tryClaim(port, context, label)
      if (!isClaim(claim)) continue
      const lease = this.#leaseOf(claim, label)
      try {
        this.#checkWanted(signal)
      } catch (error) {
        await lease.release()
        throw error
      }
      return [lease]
    }
    return undefined
  }

  #leaseOf(claim: Claim, label: string | undefined): PortLease {
    const giveBack = async () => {
      const leaked = await isLeaked(claim.port, isListeningForTcp)
      await claim.release(leaked)
      this.#claims.delete(lease)
      this.#requests.wake()
      return { leaked }
    }
    const lease = new Lease(claim.port, label, giveBack, isListeningForTcp)
    this.#claims.add(lease)
    return lease
  }

  /** Takes back ports that have just been handed out, and that no code has seen. */
  async #undo(leases: readonly PortLease[]): Promise<void> {
    this.#ports.undo(leases)
    const claims = leases.filter((lease) => this.#claims.has(lease))
    await Promise.all(claims.map((claim) => claim.release()))
  }

  /** @throws PortsliceError ERR_PORTSLICE_CLOSED; the signal's reason */
  #checkWanted(signal: AbortSignal | undefined): void {
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
    this.#requests.wake()
    await this.#requests.run(async () => {
      await Promise.all([...this.#claims].map((claim) => claim.release()))
      await this.#ports.releaseAll()
      await this.#pool.close()
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

function preferredPorts({ prefer = [] }: TakeOptions): number[] {
  return typeof prefer === 'number' ? [prefer] : [...prefer]
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
