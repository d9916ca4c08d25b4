import type { Readable } from 'node:stream'

/** Collects the output of a process or a terminal, and can wait for more. */
export class Output {
  text = ''
  #hasEnded = false
  #listeners: (() => void)[] = []

  read(stream: Readable): void {
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => this.add(text)).on('close', () => this.end())
  }

  add(text: string): void {
    this.text += text
    this.#notify()
  }

  end(): void {
    this.#hasEnded = true
    this.#notify()
  }

  #notify(): void {
    for (const listener of this.#listeners.splice(0)) listener()
  }

  /** Waits until `find` finds something in the text. @throws Error if the output ends or the time is up */
  async until<T>(find: (text: string) => T | null, wanted: unknown, timeoutMs = 0): Promise<T> {
    const deadline = timeoutMs > 0 ? performance.now() + timeoutMs : Number.POSITIVE_INFINITY
    for (;;) {
      const found = find(this.text)
      if (found !== null) return found
      if (this.#hasEnded) throw new Error(`It ended without printing ${wanted}, but: ${this.text}`)
      const left = deadline - performance.now()
      if (left <= 0) {
        throw new Error(`It did not print ${wanted} within ${timeoutMs} ms, but: ${this.text}`)
      }
      await new Promise<void>((resolve) => {
        const timer = Number.isFinite(left) ? setTimeout(resolve, left) : undefined
        this.#listeners.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }
}
