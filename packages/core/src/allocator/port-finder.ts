import type { ClaimContext } from '../claim/claim-context.js'
import { protectWithTimeWait } from '../claim/protect-with-time-wait.js'
import { isClaim, tryClaim } from '../claim/try-claim.js'
import { isOutOfDescriptors, type PortsliceError } from '../errors.js'
import type { ResolvedOptions } from '../options/resolve.js'
import { skipPort } from '../platform/events.js'
import { probePort } from '../probe/free.js'
import { isListeningForTcp } from '../probe/listening.js'
import type { LeasedSlice } from '../slice/leased-slice.js'
import type { PortLease } from './lease.js'
import type { LeasedPorts } from './leased-ports.js'
import { bindNotPermittedError, rangeExhaustedError } from './range-errors.js'
import { SlicePool } from './slice-pool.js'
import type { TakeRequest } from './take-request.js'

/** Finds ports for a request in single attempts; the caller repeats them. */
export class PortFinder {
  readonly pool: SlicePool
  readonly #options: ResolvedOptions
  readonly #context: ClaimContext
  readonly #ports: LeasedPorts
  /** Throws if the request was aborted, or the allocator closed. */
  readonly #checkWanted: (signal: AbortSignal | undefined) => void
  /** The system's error if it refused more sockets or files. */
  #shortage: unknown
  /** The system's error if a bind was not permitted in this attempt. */
  #refusal: unknown
  #isAnyPermitted = false

  constructor(
    options: ResolvedOptions,
    context: ClaimContext,
    ports: LeasedPorts,
    checkWanted: (signal: AbortSignal | undefined) => void,
  ) {
    this.#options = options
    this.#context = context
    this.#ports = ports
    this.#checkWanted = checkWanted
    this.pool = new SlicePool(options.slices, this.#context, (error) => {
      this.#refusal = error
    })
  }

  /** @returns `undefined` if another attempt may succeed @throws if waiting would not help */
  async attempt<T>(find: () => Promise<T | undefined>): Promise<T | undefined> {
    this.#refusal = undefined
    this.#isAnyPermitted = false
    try {
      const result = await find()
      if (result === undefined && this.#isRefused && !this.pool.wasAnyHeldByOthers) {
        throw bindNotPermittedError(this.#options, this.#refusal)
      }
      return result
    } catch (error) {
      if (!isOutOfDescriptors(error)) throw error
      this.#shortage = error
      return undefined
    }
  }

  async failure(): Promise<PortsliceError> {
    return this.#isRefused
      ? bindNotPermittedError(this.#options, this.#refusal)
      : rangeExhaustedError(this.#options, this.#context.remote, this.pool.held, {
          shortage: this.#shortage,
          refusal: this.#refusal,
        })
  }

  get #isRefused(): boolean {
    return this.#refusal !== undefined && !this.#isAnyPermitted
  }

  async findBlock(request: TakeRequest): Promise<PortLease[] | undefined> {
    const found =
      this.#ports.share(request.keys, request) ??
      (await this.#findPreferred(request)) ??
      (await this.pool.findOn((slice) => this.#takeFrom(slice, request)))
    if (found) this.#shortage = undefined
    return found
  }

  /** Finds a port for each request, or releases them all: a process that waits does not hold ports. */
  async findMany(requests: readonly TakeRequest[]): Promise<PortLease[] | undefined> {
    const leases: PortLease[] = []
    // The next attempt tries preferred ports again that this one has to release.
    const restorePreferred: (() => void)[] = []
    let isComplete = false
    try {
      for (const request of requests) {
        const preferred = new Set(request.preferred)
        const found = await this.findBlock(request)
        if (!found) return undefined
        leases.push(...found)
        const got = found.map(({ port }) => port).filter((port) => preferred.has(port))
        restorePreferred.unshift(() => request.preferred.unshift(...got))
      }
      isComplete = true
      return leases
    } finally {
      if (!isComplete) {
        for (const restore of restorePreferred) restore()
        await this.undo(leases)
        await this.pool.giveBackUnused()
      }
    }
  }

  async undo(leases: readonly PortLease[]): Promise<void> {
    await Promise.all(leases.map((lease) => this.#ports.undo(lease)))
  }

  async #findPreferred(request: TakeRequest): Promise<PortLease[] | undefined> {
    const { preferred, keys, label, signal } = request
    while (preferred.length > 0) {
      const port = preferred.shift() as number
      const claim = await tryClaim(port, this.#context, label)
      if (!isClaim(claim)) continue
      const giveBack = (leaked: boolean) => claim.release(leaked)
      const source = {
        port,
        key: keys[0],
        giveBack,
        place: this.#context.remote ?? { isListening: isListeningForTcp },
      }
      const lease = this.#ports.add(source, request)
      try {
        this.#checkWanted(signal)
      } catch (error) {
        await this.#ports.undo(lease)
        throw error
      }
      return [lease]
    }
    return undefined
  }

  async #takeFrom(slice: LeasedSlice, request: TakeRequest): Promise<PortLease[] | undefined> {
    const { keys, label, signal } = request
    this.#checkWanted(signal)
    const uses = keys.map((key) => ({ label, key }))
    const isUsable = (port: number) => this.#isUsable(port, signal)
    let isHighestProbed = false
    for (const first of slice.candidates(keys, this.#options.order)) {
      const refusal = this.#refusal
      if (await slice.tryTake(first, uses, isUsable)) {
        return keys.map((key, index) => {
          const port = first + index
          const giveBack = (leaked: boolean) => slice.release(port, leaked)
          const { remote: place } = this.#context
          return this.#ports.add({ port, key, giveBack, ...(place && { place }) }, request)
        })
      }
      if (this.#refusal === refusal || isHighestProbed) continue
      // Usually the system refuses all ports, or all below a limit. If it refuses the highest, skip the slice.
      isHighestProbed = true
      if ((await probePort(slice.last - 1)).state === 'not-permitted') return undefined
    }
    return undefined
  }

  async #isUsable(port: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { remote } = this.#context
    if (remote) {
      const isUsable = await remote.isUsable(port)
      this.#checkWanted(signal)
      return isUsable
    }
    const probe = await probePort(port)
    this.#checkWanted(signal)
    if (probe.state === 'not-permitted') this.#refusal = probe.error
    else this.#isAnyPermitted = true
    if (probe.state !== 'free') {
      skipPort(port, probe.state)
      return false
    }
    if (!this.#options.needsTimeWait(port)) return true
    const isProtected = await protectWithTimeWait(port)
    this.#checkWanted(signal)
    if (!isProtected) skipPort(port, 'in-use')
    return isProtected
  }
}
