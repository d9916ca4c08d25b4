/** The ports of an allocator that are out, and the leases on them: a key's port can have several. */
import { nextTurn } from '../platform/clock.js'
import { isLeaked } from '../probe/leak.js'
import type { Slice } from '../slice/slice.js'
import { ClosedWatch } from './closed-watch.js'
import { Lease, type PortLease } from './lease.js'

/** What is said of a lease when a port is handed out. */
export interface LeaseUse {
  label?: string
  releaseWhenClosed?: boolean
}

interface OutPort {
  readonly port: number
  readonly slice: Slice
  readonly key: string | undefined
  leases: number
  released?: Promise<{ leaked: boolean }>
}

/** After so many releases the event loop has a turn: often enough for a timer, seldom enough to cost nothing. */
const RELEASES_PER_TURN = 16

export class LeasedPorts {
  readonly #out = new Set<OutPort>()
  readonly #byKey = new Map<string, OutPort>()
  readonly #byLease = new Map<PortLease, { out: OutPort; stopWatching: () => void }>()
  readonly #closedWatch = new ClosedWatch()
  readonly #onRelease: () => void
  #releases = 0

  /** @param onRelease called when a port is free again */
  constructor(onRelease: () => void) {
    this.#onRelease = onRelease
  }

  /** Leases of the ports that are out under these keys, if all of them are, side by side. */
  share(keys: readonly (string | undefined)[], use: LeaseUse): PortLease[] | undefined {
    const ports: OutPort[] = []
    for (const key of keys) {
      const out = key === undefined ? undefined : this.#byKey.get(key)
      const isNext = ports.length === 0 || out?.port === (ports[0] as OutPort).port + ports.length
      if (!out || out.released || !isNext) return undefined
      ports.push(out)
    }
    return ports.map((out) => this.#lease(out, use))
  }

  /** The lease of a port that its slice has just handed out. */
  add(slice: Slice, port: number, key: string | undefined, use: LeaseUse): PortLease {
    const out: OutPort = { port, slice, key, leases: 0 }
    this.#out.add(out)
    if (key !== undefined) this.#byKey.set(key, out)
    return this.#lease(out, use)
  }

  #lease(out: OutPort, { label, releaseWhenClosed }: LeaseUse): PortLease {
    out.leases++
    let stopWatching = () => {}
    const lease = new Lease(out.port, label, () => {
      stopWatching()
      this.#byLease.delete(lease)
      out.leases--
      return out.leases > 0 ? Promise.resolve({ leaked: false }) : this.#release(out)
    })
    if (releaseWhenClosed) {
      stopWatching = this.#closedWatch.whenClosed(out.port, () => void lease.release())
    }
    this.#byLease.set(lease, { out, stopWatching })
    return lease
  }

  #release(out: OutPort): Promise<{ leaked: boolean }> {
    out.released ??= this.#end(out)
    return out.released
  }

  async #end(out: OutPort): Promise<{ leaked: boolean }> {
    const leaked = await isLeaked(out.port)
    // Nothing so far has waited for anything. Where ports are taken and given back in a loop, the event
    // loop would have no turn: no timer, no refresh of the lock, and what was closed stays in memory.
    if (++this.#releases % RELEASES_PER_TURN === 0) await nextTurn()
    this.#forget(out)
    out.slice.release(out.port, leaked)
    this.#onRelease()
    return { leaked }
  }

  #forget(out: OutPort): void {
    this.#out.delete(out)
    if (out.key !== undefined && this.#byKey.get(out.key) === out) this.#byKey.delete(out.key)
  }

  /** Takes back a port that has just been handed out, and that no code has seen. */
  undo(lease: PortLease): void {
    const { out, stopWatching } = this.#byLease.get(lease) ?? {}
    if (!out) return
    stopWatching?.()
    this.#byLease.delete(lease)
    out.leases--
    if (out.leases > 0) return
    this.#forget(out)
    out.slice.release(out.port, false)
  }

  async releaseAll(): Promise<void> {
    this.#closedWatch.stop()
    await Promise.all([...this.#out].map((out) => this.#release(out)))
  }
}
