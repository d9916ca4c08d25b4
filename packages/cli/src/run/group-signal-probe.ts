import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { system } from '@portslice/core/internal/inspect'

/** The command `timeout` signals the process first, and then its group within this time. */
const GROUP_SIGNAL_DELAY_MS = 20
/** A stopped or killed process does not answer. */
const ANSWER_TIMEOUT_MS = 1000
const MAX_SIGNAL_AGE_MS = 2000

/**
 * Prints each signal and echoes each line. `read` fails at the end of input, when this process has ended. In some
 * shells it also fails when a signal interrupts it.
 */
const SCRIPT = `for s in HUP INT QUIT USR1 USR2 ALRM TERM; do trap "t=1; echo SIG$s" $s; done
echo ready
while :; do t=0; if read -r l; then echo "$l"; elif [ $t = 0 ]; then exit; fi; done 2>/dev/null`

/**
 * Detects whether a signal was sent to the whole process group. A listener process in the same group reports the
 * signals that it receives.
 *
 * Ctrl-C, `kill %1` and `timeout` signal the group, so the program has already received the signal. Many programs
 * quit without cleaning up on a second signal, so it must not be forwarded.
 */
export class GroupSignalProbe {
  #listener: ChildProcess | undefined
  /** Signals that the listener has reported, and that no call has consumed yet. */
  #received: { signal: string; at: number }[] = []
  readonly #waiting = new Map<string, () => void>()
  #questions = 0
  readonly #ready: Promise<void>

  /** Starts the listener, which does not keep this process running. */
  constructor() {
    this.#ready = system.hasSignals ? this.#start() : Promise.resolve()
  }

  untilReady(): Promise<void> {
    return this.#ready
  }

  async #start(): Promise<void> {
    const listener = spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH },
    })
    this.#listener = listener
    // Without a listener, signals count as sent to this process alone.
    const gone = () => {
      this.#listener = undefined
      for (const answered of this.#waiting.values()) answered()
    }
    listener.on('error', gone).on('exit', gone)
    listener.stdin.on('error', () => {})
    createInterface(listener.stdout).on('line', (line) => {
      const answered = this.#waiting.get(line)
      if (answered) answered()
      else this.#received.push({ signal: line, at: performance.now() })
    })
    for (const handle of [listener, listener.stdin, listener.stdout]) {
      ;(handle as unknown as { unref?(): void }).unref?.()
    }
    await this.#answerTo('ready')
  }

  /** Call it immediately after this process has received the signal. */
  async wasSentToGroup(signal: NodeJS.Signals): Promise<boolean> {
    if (await this.#consume(signal)) return true
    await sleep(GROUP_SIGNAL_DELAY_MS)
    return this.#consume(signal)
  }

  /** The listener reports earlier signals before it echoes the question. */
  async #consume(signal: NodeJS.Signals): Promise<boolean> {
    const question = `question ${++this.#questions}`
    const answer = this.#answerTo(question)
    this.#listener?.stdin?.write(`${question}\n`)
    await answer
    // The kernel may merge two equal signals into one for this process. Drop reports that no call will consume.
    this.#received = this.#received.filter(({ at }) => at > performance.now() - MAX_SIGNAL_AGE_MS)
    const index = this.#received.findIndex((each) => each.signal === signal)
    if (index !== -1) this.#received.splice(index, 1)
    return index !== -1
  }

  async #answerTo(question: string): Promise<void> {
    if (!this.#listener) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#waiting.set(question, resolve)
      timer = setTimeout(resolve, ANSWER_TIMEOUT_MS)
    })
    clearTimeout(timer)
    this.#waiting.delete(question)
  }

  stop(): void {
    this.#listener?.kill('SIGKILL')
  }
}
