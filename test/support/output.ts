/** What a process has printed so far, and a way to wait for more. */
import type { ChildProcess } from 'node:child_process'
import type { Readable } from 'node:stream'

export interface Outcome {
  /** The exit status; `null` when a signal ended it. */
  status: number | null
  stdout: string
  stderr: string
}

export class Output {
  text = ''
  #hasEnded = false
  #onMore: (() => void)[] = []

  /** All that a stream says, until it ends. */
  static of(stream: Readable): Output {
    const output = new Output()
    stream.setEncoding('utf8')
    stream.on('data', (text: string) => output.add(text)).on('close', () => output.end())
    return output
  }

  add(text: string): void {
    this.text += text
    this.#wake()
  }

  /** Says that there will be no more. */
  end(): void {
    this.#hasEnded = true
    this.#wake()
  }

  #wake(): void {
    for (const each of this.#onMore.splice(0)) each()
  }

  /** Waits until `find` finds something in the text. @throws Error when it ends before that */
  async until<T>(find: (text: string) => T | null, wanted: unknown): Promise<T> {
    for (;;) {
      const found = find(this.text)
      if (found !== null) return found
      if (this.#hasEnded) throw new Error(`It ended without saying ${wanted}, but: ${this.text}`)
      await new Promise<void>((resolve) => this.#onMore.push(resolve))
    }
  }
}

export interface Heard {
  stdout: Output
  stderr: Output
  /** When it has ended and said all; fails when it could not be started. */
  ended: Promise<Outcome>
}

/** Listens to a process with pipes for its output. */
export function listenTo(child: ChildProcess): Heard {
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) =>
    Output.of(stream as Readable),
  ) as [Output, Output]
  const ended = new Promise<Outcome>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout: stdout.text, stderr: stderr.text }))
  })
  return { stdout, stderr, ended }
}
