import { nextTurn } from '../platform/clock.js'
import { events, skipPort } from '../platform/events.js'
import { type HeldUdpPort, holdUdpPort } from '../probe/hold-udp-port.js'
import { atProcessExit, processWide } from '../process-state.js'
import { type SliceStart, sentinelOf } from './layout.js'
import type { LeaseContext } from './lease-context.js'
import { type IsUsable, LeasedSlice } from './leased-slice.js'
import type { PortPurpose } from './port-table.js'
import { SliceFiles } from './slice-files.js'

export function heldSlices(): Map<SliceStart, Slice> {
  return processWide('held slices', () => new Map<SliceStart, Slice>())
}

/** A slice of this machine: its sentinel, and its files if there is a lock directory. */
export class Slice extends LeasedSlice {
  readonly #sentinel: HeldUdpPort
  readonly #files: SliceFiles | undefined
  #removeExitTask = () => {}
  #isOpen = false

  private constructor(first: SliceStart, context: LeaseContext, sentinel: HeldUdpPort) {
    super(first, context.holder.projectRoot)
    this.#sentinel = sentinel
    const { lockDirectory } = context
    if (lockDirectory !== undefined) {
      this.#files = new SliceFiles(first, lockDirectory, context, this.ports)
    }
  }

  /** @returns `undefined` if another process holds the slice */
  static async lease(first: SliceStart, context: LeaseContext): Promise<Slice | undefined> {
    const sentinel = await holdUdpPort(sentinelOf(first))
    if (!sentinel) return skipSlice(first, 'held')
    const slice = new Slice(first, context, sentinel)
    try {
      if (slice.#files && !(await slice.#files.open())) return skipSlice(first, 'locked')
      slice.#removeExitTask = atProcessExit(() => slice.#files?.endNow())
      heldSlices().set(first, slice)
      slice.#isOpen = true
      if (events.lease.hasSubscribers) {
        const { last } = slice
        events.lease.publish({ first, last, lockDirectory: context.lockDirectory })
      }
      return slice
    } finally {
      if (!slice.#isOpen) await slice.giveBack()
    }
  }

  protected override async take(
    ports: readonly number[],
    purposes: readonly PortPurpose[],
    isUsable: IsUsable,
  ): Promise<boolean> {
    for (const port of ports) {
      if (await this.#files?.isClaimed(port)) {
        skipPort(port, 'claimed')
        return false
      }
      if (!(await isUsable(port))) return false
    }
    if (this.givenBack) return false
    for (const [index, port] of ports.entries()) {
      const { label, key } = purposes[index] as PortPurpose
      const line = this.ports.take(port, { label, key })
      this.#files?.writeTake(line)
      if (events.take.hasSubscribers) events.take.publish({ port, label, key })
    }
    return true
  }

  protected override recordRelease(port: number, leaked: boolean): void {
    const line = this.ports.release(port, leaked)
    this.#files?.writeRelease(line)
    if (events.release.hasSubscribers) events.release.publish({ port, leaked })
  }

  protected override close(): void {
    super.close()
    if (heldSlices().get(this.first) === this) heldSlices().delete(this.first)
  }

  protected override async end(): Promise<void> {
    this.close()
    this.#removeExitTask()
    await this.#files?.end()
    await this.#sentinel.close()
    if (this.#isOpen && events.giveBack.hasSubscribers) {
      events.giveBack.publish({ first: this.first, last: this.last })
    }
    // All of this may have been synchronous, and a loop of leases must not block the process.
    await nextTurn()
  }
}

function skipSlice(first: SliceStart, reason: 'held' | 'locked'): undefined {
  if (!events.skipSlice.hasSubscribers) return
  events.skipSlice.publish({ first, last: sentinelOf(first), reason })
}
