/** The ports of an allocator that are out, and the leases on them: a key's port can have several. */
import { nextTurn } from '../platform/clock.js'
import { isLeaked } from '../probe/leak.js'
import { ClosedWatch } from './closed-watch.js'
import { Lease, type PortLease } from './lease.js'

/** What is said of a lease when a port is handed out. */
export interface LeaseUse {
  label?: string
  releaseWhenClosed?: boolean
}

/** A port that a slice has handed out, or that was claimed. */
export interface LeasablePort {
  readonly port: number
  readonly key?: string | undefined
  /** Gives it back to where it came from. */
  giveBack(leaked: boolean): void | Promise<void>
  /** Tells whether the app listens; default: for TCP or UDP. */
  readonly isListening?: (port: number) => Promise<boolean>
}

interface OutPort {
  readonly source: LeasablePort
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
      const isNext =
        ports.length === 0 || out?.source.port === (ports[0] as OutPort).source.port + ports.length
      if (!out || out.released || !isNext) return undefined
      ports.push(out)
    }
    return ports.map((out) => this.#lease(out, use))
  }

  /** The lease of a port that has just been handed out, or claimed. */
  add(source: LeasablePort, use: LeaseUse): PortLease {
    const out: OutPort = { source, leases: 0 }
    this.#out.add(out)
    if (source.key !== undefined) this.#byKey.set(source.key, out)
    return this.#lease(out, use)
  }

  #lease(out: OutPort, { label, releaseWhenClosed }: LeaseUse): PortLease {
    const { port, isListening } = out.source
    out.leases++
    let stopWatching = () => {}
    const giveBack = () => {
      stopWatching()
      this.#byLease.delete(lease)
      out.leases--
      return out.leases > 0 ? Promise.resolve({ leaked: false }) : this.#release(out)
    }
    const lease = new Lease(port, label, giveBack, isListening)
    if (releaseWhenClosed) {
      stopWatching = this.#closedWatch.whenClosed(port, () => void lease.release(), isListening)
    }
    this.#byLease.set(lease, { out, stopWatching })
    return lease
  }

  #release(out: OutPort): Promise<{ leaked: boolean }> {
    out.released ??= this.#end(out)
    return out.released
  }

  async #end(out: OutPort): Promise<{ leaked: boolean }> {
    const { port, isListening } = out.source
    const leaked = await isLeaked(port, isListening)
    // Nothing so far has waited for anything. Where ports are taken and given back in a loop, the event
    // loop would have no turn: no timer, no refresh of the lock, and what was closed stays in memory.
    if (++this.#releases % RELEASES_PER_TURN === 0) await nextTurn()
    this.#forget(out)
    await out.source.giveBack(leaked)
    this.#onRelease()
    return { leaked }
  }

  #forget(out: OutPort): void {
    this.#out.delete(out)
    const { key } = out.source
    if (key !== undefined && this.#byKey.get(key) === out) this.#byKey.delete(key)
  }

  /** Takes back a port that has just been handed out, and that no code has seen. */
  async undo(lease: PortLease): Promise<void> {
    const { out, stopWatching } = this.#byLease.get(lease) ?? {}
    if (!out) return
    stopWatching?.()
    this.#byLease.delete(lease)
    out.leases--
    if (out.leases > 0) return
    this.#forget(out)
    await out.source.giveBack(false)
  }

  async releaseAll(): Promise<void> {
    this.#closedWatch.stop()
    await Promise.all([...this.#out].map((out) => this.#release(out)))
  }
}
