import { clearTimeout, setTimeout } from '../platform/clock.js'
import { isListening, listeningPorts } from '../probe/listening.js'

/** An app that listens for a shorter time may be missed. */
const POLL_INTERVAL_MS = 50

interface WatchedPort {
  readonly port: number
  readonly onClosed: () => void
  readonly isListening: ((port: number) => Promise<boolean>) | undefined
  wasListening: boolean
}

/** Notices when an app has closed its port, for `releaseWhenClosed`. */
export class CloseWatcher {
  readonly #watched = new Set<WatchedPort>()
  #timer: NodeJS.Timeout | undefined

  /** Calls `onClosed` once something has listened on the port and no longer does. @returns a function that stops watching */
  whenClosed(
    port: number,
    onClosed: () => void,
    isListening?: (port: number) => Promise<boolean>,
  ): () => void {
    const watched: WatchedPort = { port, onClosed, isListening, wasListening: false }
    this.#watched.add(watched)
    this.#timer ??= this.#schedule()
    return () => this.#watched.delete(watched)
  }

  stop(): void {
    this.#watched.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #schedule(): NodeJS.Timeout {
    return setTimeout(() => void this.#check(), POLL_INTERVAL_MS).unref()
  }

  async #check(): Promise<void> {
    try {
      await this.#checkAll()
    } catch {
      // The system refuses more files or sockets: the next check tries again.
    }
    this.#timer = this.#watched.size > 0 ? this.#schedule() : undefined
  }

  async #checkAll(): Promise<void> {
    const listening = await listeningPorts()
    for (const watched of [...this.#watched]) {
      const isOpen = watched.isListening
        ? await watched.isListening(watched.port)
        : (listening?.has(watched.port) ?? (await isListening(watched.port)))
      if (watched.wasListening && !isOpen) {
        this.#watched.delete(watched)
        watched.onClosed()
      }
      watched.wasListening = isOpen
    }
  }
}
