/** Notices that an app which was listening on a port has gone. */

import { clearTimeout, setTimeout } from '../platform/clock.js'
import { isListening, listeningPorts } from '../probe/listening.js'

/** An app that listens for less may never be seen. One look serves all ports. */
const POLL_INTERVAL_MS = 50

interface Watched {
  readonly port: number
  readonly onClosed: () => void
  readonly isListening: ((port: number) => Promise<boolean>) | undefined
  wasListening: boolean
}

export class ClosedWatch {
  readonly #watched = new Set<Watched>()
  #timer: NodeJS.Timeout | undefined

  /**
   * Calls `onClosed` once something has listened on the port and no longer does.
   *
   * @param isListening default: whether anything listens, for TCP or UDP
   * @returns ends the watch of this port
   */
  whenClosed(
    port: number,
    onClosed: () => void,
    isListening?: (port: number) => Promise<boolean>,
  ): () => void {
    const watched: Watched = { port, onClosed, isListening, wasListening: false }
    this.#watched.add(watched)
    this.#timer ??= this.#nextLook()
    return () => this.#watched.delete(watched)
  }

  stop(): void {
    this.#watched.clear()
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #nextLook(): NodeJS.Timeout {
    return setTimeout(() => void this.#look(), POLL_INTERVAL_MS).unref()
  }

  async #look(): Promise<void> {
    try {
      await this.#lookAtAll()
    } catch {
      // No more files or sockets to find out with. An app that listens must not be missed for that.
    }
    this.#timer = this.#watched.size > 0 ? this.#nextLook() : undefined
  }

  async #lookAtAll(): Promise<void> {
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
