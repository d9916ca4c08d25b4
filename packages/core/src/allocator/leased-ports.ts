import type { TakeOptions } from '../options/options.js'
import { nextTurn } from '../platform/clock.js'
import { isLeaked } from '../probe/leak.js'
import { CloseWatcher } from './close-watcher.js'
import { Lease, type PortLease, type PortPlace } from './lease.js'

/** A port that was taken from a slice or claimed, and is about to get a lease. */
export interface LeasablePort {
  readonly port: number
  readonly key?: string | undefined
  giveBack(leaked: boolean): void | Promise<void>
  readonly place?: PortPlace
}

interface OutPort {
  readonly source: LeasablePort
  /** How many leases of the port are not released yet. */
  leases: number
  released?: Promise<{ leaked: boolean }>
}

/** A release rarely waits, so a loop of takes and releases would stop timers, such as the lock's refresh. */
const RELEASES_PER_TURN = 16

/** The ports of an allocator that are out. A port with a key can have several leases. */
export class LeasedPorts {
  readonly #out = new Set<OutPort>()
  readonly #byKey = new Map<string, OutPort>()
  readonly #byLease = new Map<PortLease, { out: OutPort; stopWatching: () => void }>()
  readonly #closeWatcher = new CloseWatcher()
  readonly #onRelease: () => void
  #releases = 0

  constructor(onRelease: () => void) {
    this.#onRelease = onRelease
  }

  /** Leases the ports of these keys once more, if all of them are out and consecutive. */
  share(keys: readonly (string | undefined)[], use: TakeOptions): PortLease[] | undefined {
    const ports: OutPort[] = []
    for (const key of keys) {
      const out = key === undefined ? undefined : this.#byKey.get(key)
      const previous = ports.at(-1)
      if (!out || out.released) return undefined
      if (previous && out.source.port !== previous.source.port + 1) return undefined
      ports.push(out)
    }
    return ports.map((out) => this.#lease(out, use))
  }

  add(source: LeasablePort, use: TakeOptions): PortLease {
    const out: OutPort = { source, leases: 0 }
    this.#out.add(out)
    if (source.key !== undefined) this.#byKey.set(source.key, out)
    return this.#lease(out, use)
  }

  #lease(out: OutPort, { label, releaseWhenClosed }: TakeOptions): PortLease {
    const { port, place } = out.source
    out.leases++
    let stopWatching = () => {}
    const giveBack = async () => (this.#drop(lease) ? this.#release(out) : { leaked: false })
    const lease = new Lease(port, label, giveBack, place)
    if (releaseWhenClosed) {
      const onClosed = () => void lease.release()
      stopWatching = this.#closeWatcher.whenClosed(port, onClosed, place?.isListening)
    }
    this.#byLease.set(lease, { out, stopWatching })
    return lease
  }

  /** @returns whether it was the last lease of its port */
  #drop(lease: PortLease): boolean {
    const { out, stopWatching } = this.#byLease.get(lease) ?? {}
    if (!out) return false
    stopWatching?.()
    this.#byLease.delete(lease)
    return --out.leases === 0
  }

  #release(out: OutPort): Promise<{ leaked: boolean }> {
    out.released ??= this.#giveBack(out)
    return out.released
  }

  async #giveBack(out: OutPort): Promise<{ leaked: boolean }> {
    const { port, place } = out.source
    const leaked = await isLeaked(port, place?.isListening)
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

  /** Gives back a port that no app has used, so it need not be checked for a leak. */
  async undo(lease: PortLease): Promise<void> {
    const { out } = this.#byLease.get(lease) ?? {}
    if (!out || !this.#drop(lease)) return
    this.#forget(out)
    await out.source.giveBack(false)
  }

  async releaseAll(): Promise<void> {
    this.#closeWatcher.stop()
    await Promise.all([...this.#out].map((out) => this.#release(out)))
  }
}
