/** Hands out ports of the slices that it leases. */
import { protectWithTimeWait } from '../claim/protect.js'
import { isClaim, tryClaim } from '../claim/try-claim.js'
import { inspect, isOutOfDescriptors, PortsliceError } from '../errors.js'
import { type AllocatorOptions, checkTakeOptions, type TakeOptions } from '../options/options.js'
import { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
import { throwIfAborted } from '../platform/abort.js'
import { type Turns, TurnsByName } from '../platform/turns.js'
import { WaitList } from '../platform/wait-list.js'
import { probePort } from '../probe/free.js'
import { isListeningForTcp } from '../probe/listening.js'
import { processWide } from '../process-state.js'
import { formatRanges, LAST_PORT, PORTS_PER_SLICE, SLICE_SIZE } from '../slice/layout.js'
import type { LeaseContext, Slice } from '../slice/slice.js'
import { bindRefused, rangeExhausted } from './exhausted.js'
import type { PortLease } from './lease.js'
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

/** The turns of this process with the slices of a range, one allocator after the other. */
function turnsWith({ ranges, lockDirectory }: ResolvedOptions): Turns {
  const turns = processWide('turns with slices', () => new TurnsByName())
  return turns.of(`${formatRanges(ranges)} ${lockDirectory}`)
}

export class Allocator implements PortAllocator {
  readonly #options: ResolvedOptions
  readonly #context: LeaseContext
  readonly #pool: SlicePool
  readonly #ports: LeasedPorts
  readonly #requests = new WaitList(() => this.#pool.beginRound())
  /** What the system said when it had no more sockets or files. */
  #shortage: unknown
  /** What the system said when this process was not permitted to bind a port, in the last try. */
  #refusal: unknown
  /** Whether in the last try a port was in use, and not only refused. */
  #hasRoom = false
  #closing: Promise<void> | undefined

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#context = leaseContextOf(options)
    this.#pool = new SlicePool(options.slices, this.#context, (error) => {
      this.#refusal = error
    })
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
    const attempt = () => this.#pool.findOn(async (slice) => slice)
    const isHeldByOthers = () => this.#pool.wasAnyHeldByOthers
    const turns = turnsWith(this.#options)
    await this.#request(turns.begin(attempt, this.#options.waitTimeout, isHeldByOthers))
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
    this.#checkWanted(options.signal)
    const keys = keysOf(options, count)
    const preferred = preferredPorts(options)
    return this.#request(() => this.#tryMany(keys, preferred.splice(0), options), options.signal)
  }

  /** Takes `count` consecutive ports. */
  async #takeRun(count: number, options: TakeOptions): Promise<PortLease[]> {
    const keys = keysOf(options, count)
    this.#checkWanted(options.signal)
    // Nothing to wait for, so no turn to wait for.
    const shared = this.#ports.share(keys, options)
    if (shared) return shared
    // Of a block there is no single port to prefer.
    const preferred = count === 1 ? preferredPorts(options) : []
    return this.#request(() => this.#tryRun(keys, preferred.splice(0), options), options.signal)
  }

  /** Tries until there is a result, for `waitTimeout` from now; others have their turns meanwhile. */
  #request<T extends PortLease[] | Slice>(
    attempt: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T> {
    const tryOnce = async () => {
      this.#checkWanted(signal)
      this.#refusal = undefined
      this.#hasRoom = false
      try {
        const result = await attempt()
        if (result === undefined) this.#checkPermitted()
        return result
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
      onTimeout: async () =>
        this.#refusal !== undefined && !this.#hasRoom
          ? bindRefused(this.#options, this.#refusal)
          : rangeExhausted(this.#options, this.#pool.held, this.#shortage, this.#refusal),
    })
  }

  /** Consecutive ports, one for each key, on any slice. */
  async #tryRun(
    keys: readonly (string | undefined)[],
    preferred: number[],
    options: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    const found =
      this.#ports.share(keys, options) ??
      (await this.#tryPreferred(preferred, keys[0], options)) ??
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
    const leases: PortLease[] = []
    let isComplete = false
    try {
      for (const key of keys) {
        const taken = await this.#tryRun([key], preferred, options)
        if (!taken) return undefined
        leases.push(...taken)
      }
      isComplete = true
      return leases
    } finally {
      if (!isComplete) {
        await this.#undo(leases)
        await this.#pool.giveBackUnused()
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
    let isHighestKnown = false
    for (const first of slice.candidates(keys, this.#options.order)) {
      const refusal = this.#refusal
      if (!(await slice.tryTake(first, uses, isUsable))) {
        if (this.#refusal === refusal || isHighestKnown) continue
        // What is refused is mostly all below a port, or all: then the slice is passed over.
        isHighestKnown = true
        if ((await probePort(slice.last - 1)).state === 'not-permitted') return undefined
        continue
      }
      return keys.map((key, index) => {
        const port = first + index
        const giveBack = (leaked: boolean) => slice.release(port, leaked)
        return this.#ports.add({ port, key, giveBack }, options)
      })
    }
    return undefined
  }

  async #isUsable(port: number, signal: AbortSignal | undefined): Promise<boolean> {
    const probe = await probePort(port)
    this.#checkWanted(signal)
    if (probe.state === 'not-permitted') this.#refusal = probe.error
    else this.#hasRoom = true
    if (probe.state !== 'free' || !this.#options.needsTimeWait(port)) return probe.state === 'free'
    const isProtected = await protectWithTimeWait(port)
    this.#checkWanted(signal)
    return isProtected
  }

  /** @throws PortsliceError ERR_PORTSLICE_NO_SOCKET when waiting is of no use, as all ports were refused */
  #checkPermitted(): void {
    const isHeldByOthers = this.#pool.wasAnyHeldByOthers
    if (this.#refusal !== undefined && !this.#hasRoom && !isHeldByOthers) {
      throw bindRefused(this.#options, this.#refusal)
    }
  }

  /** The first preferred port that can be had at once; ports that were tried are removed. */
  async #tryPreferred(
    preferred: number[],
    key: string | undefined,
    options: TakeOptions,
  ): Promise<PortLease[] | undefined> {
    const context = { ...this.#context, needsTimeWait: this.#options.needsTimeWait }
    while (preferred.length > 0) {
      const port = preferred.shift() as number
      const claim = await tryClaim(port, context, options.label)
      if (!isClaim(claim)) continue
      const giveBack = (leaked: boolean) => claim.release(leaked)
      const lease = this.#ports.add(
        { port, key, giveBack, isListening: isListeningForTcp },
        options,
      )
      try {
        this.#checkWanted(options.signal)
      } catch (error) {
        await this.#ports.undo(lease)
        throw error
      }
      return [lease]
    }
    return undefined
  }

  /** Takes back ports that have just been handed out, and that no code has seen. */
  async #undo(leases: readonly PortLease[]): Promise<void> {
    await Promise.all(leases.map((lease) => this.#ports.undo(lease)))
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
      await this.#ports.releaseAll()
      await this.#pool.close()
      turnsWith(this.#options).end()
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

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for what is not a port */
function preferredPorts({ prefer = [] }: TakeOptions): number[] {
  const ports: unknown[] = typeof prefer === 'number' ? [prefer] : [...prefer]
  for (const port of ports) {
    if (Number.isInteger(port) && (port as number) >= 1 && (port as number) <= LAST_PORT) continue
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `The option \`prefer\` holds ${inspect(port)}.`,
      { value: port, advice: `Give ports from 1 to ${LAST_PORT}.` },
    )
  }
  return ports as number[]
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
