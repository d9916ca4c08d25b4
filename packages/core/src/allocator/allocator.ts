import type { ClaimContext } from '../claim/claim-context.js'
import { PortsliceError, withCallerStack } from '../errors.js'
import {
  type AllocatorOptions,
  checkEachTakeOptions,
  checkTakeOptions,
  type TakeOptions,
} from '../options/options.js'
import { type ResolvedOptions, resolveOptions } from '../options/resolve.js'
import { processWide } from '../process-state.js'
import { formatRanges, LAST_PORT, PORTS_PER_SLICE } from '../slice/layout.js'
import type { LeasedSlice } from '../slice/leased-slice.js'
import { throwIfAborted } from '../wait/abort.js'
import { type Turns, TurnsByName } from '../wait/turns.js'
import { WaitList } from '../wait/wait-list.js'
import type { PortLease } from './lease.js'
import { LeasedPorts } from './leased-ports.js'
import { openClaimContext } from './open-claim-context.js'
import { PortFinder } from './port-finder.js'
import { checkCount, takeRequest, takeRequests } from './take-request.js'

/** Hands out ports of the slices that it leases. Disposing of the allocator closes it. */
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
   * @throws PortsliceError ERR_PORTSLICE_RANGE_EXHAUSTED if all are taken for `waitTimeout`,
   *   …_OPTION_INVALID, …_CLOSED; the signal's reason when aborted
   * @example
   * await using lease = await allocator.take({ label: 'api' })
   * server.listen(lease.port)
   */
  take(options?: TakeOptions): Promise<PortLease>
  /**
   * Hands out all of these ports, or none. Take ports that belong together in one call: two
   * processes that take theirs one by one may each wait for a port that the other has.
   *
   * @param ports how many, 1 to 65535, from as many slices as necessary; or what each is for
   * @param options if `ports` is a number, what the ports are for (each gets a key made from `key`);
   *   otherwise only `signal`
   * @throws PortsliceError as {@link take} does
   * @example
   * const leases = await allocator.takeMany(20)
   * const [api, web] = await allocator.takeMany([{ label: 'api' }, { label: 'web', prefer: 3000 }])
   */
  takeMany(
    ports: number | readonly Omit<TakeOptions, 'signal'>[],
    options?: TakeOptions,
  ): Promise<PortLease[]>
  /**
   * Hands out `count` consecutive ports, ascending, or none: for apps that also use `port + 1`.
   *
   * @param count 1 to 31, because they lie in one slice
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
 * Leases a slice of the range for this worker, and returns an allocator of its ports.
 *
 * @param options which ports, and how long to wait for them; all have defaults
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID, …_RANGE_INVALID, …_SHARD_INVALID,
 *   …_LOCK_DIRECTORY; …_RANGE_EXHAUSTED if no slice is free for `waitTimeout`
 * @example
 * await using allocator = await createAllocator({ range: [20000, 29999] })
 * const api = await allocator.take({ label: 'api' })
 */
export async function createAllocator(options: AllocatorOptions = {}): Promise<PortAllocator> {
  return openAllocator(resolveOptions(options))
}

export async function openAllocator(options: ResolvedOptions): Promise<Allocator> {
  const allocator = new Allocator(options, await openClaimContext(options))
  await allocator.open()
  return allocator
}

function turnsFor({ ranges, lockDirectory, remote }: ResolvedOptions): Turns {
  const turns = processWide('turns with slices', () => new TurnsByName())
  return turns.of(`${formatRanges(ranges)} ${lockDirectory} ${remote?.host}`)
}

export class Allocator implements PortAllocator {
  readonly #options: ResolvedOptions
  readonly #ports = new LeasedPorts(() => this.#requests.wake())
  readonly #finder: PortFinder
  readonly #requests = new WaitList(() => this.#finder.pool.beginRound())
  #closing: Promise<void> | undefined

  constructor(options: ResolvedOptions, context: ClaimContext) {
    this.#options = options
    this.#finder = new PortFinder(options, context, this.#ports, (signal) =>
      this.#checkWanted(signal),
    )
  }

  get slices(): readonly { first: number; last: number }[] {
    return this.#finder.pool.held.map(({ first, last }) => ({ first, last }))
  }

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  /** Leases the first slice, so that a full range is reported before a test runs. */
  async open(): Promise<void> {
    const { pool } = this.#finder
    const attempt = () => pool.findOn(async (slice) => slice)
    const isHeldByOthers = () => pool.wasAnyHeldByOthers
    const turns = turnsFor(this.#options)
    await this.#wait(turns.begin(attempt, this.#options.waitTimeout, isHeldByOthers))
  }

  async take(options: TakeOptions = {}): Promise<PortLease> {
    checkTakeOptions(options)
    const [lease] = await this.#takeBlock(1, options)
    return lease as PortLease
  }

  async takeBlock(count: number, options: TakeOptions = {}): Promise<PortLease[]> {
    checkCount(count, PORTS_PER_SLICE, 'takeBlock')
    checkTakeOptions(options)
    const { prefer, ...others } = options
    return this.#takeBlock(count, count === 1 ? options : others)
  }

  async takeMany(
    ports: number | readonly Omit<TakeOptions, 'signal'>[],
    options: TakeOptions = {},
  ): Promise<PortLease[]> {
    checkCount(Array.isArray(ports) ? ports.length : ports, LAST_PORT, 'takeMany')
    if (typeof ports === 'number') checkTakeOptions(options)
    else checkEachTakeOptions(ports, options)
    this.#checkWanted(options.signal)
    const requests = takeRequests(ports, options)
    return this.#wait(() => this.#finder.findMany(requests), options.signal)
  }

  async #takeBlock(count: number, options: TakeOptions): Promise<PortLease[]> {
    this.#checkWanted(options.signal)
    const request = takeRequest(options, count)
    // A port that the key already has is available at once, so the call need not wait in the queue.
    const shared = this.#ports.share(request.keys, request)
    return shared ?? this.#wait(() => this.#finder.findBlock(request), options.signal)
  }

  async #wait<T extends PortLease[] | LeasedSlice>(
    find: () => Promise<T | undefined>,
    signal?: AbortSignal,
  ): Promise<T> {
    const attempt = async () => {
      this.#checkWanted(signal)
      return this.#finder.attempt(find)
    }
    try {
      return await this.#requests.add(attempt, {
        timeout: this.#options.waitTimeout,
        signal,
        undo: (late) => void (Array.isArray(late) && this.#finder.undo(late)),
        onTimeout: () => this.#finder.failure(),
      })
    } catch (error) {
      throw withCallerStack(error)
    }
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
      await this.#finder.pool.close()
      turnsFor(this.#options).end()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}
