/** Was a signal sent to this process alone, or to its whole process group? */
import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'

/** Between a signal to a process and one to its group, as `timeout` sends them, in ms. */
const GROUP_SIGNAL_DELAY_MS = 20
/** An answer comes at once; a process that was stopped or killed gives none. ms */
const ANSWER_TIMEOUT_MS = 1000
/** Longer than one signal takes to arrive at two processes, in ms. */
const MEMORY_MS = 2000

/**
 * Says each signal that it gets, and repeats each line that it is given. `read` fails when a
 * signal interrupts it, in some shells, and when there is no more input: also when this process
 * was killed.
 */
const SCRIPT = `for s in HUP INT QUIT USR1 USR2 ALRM TERM; do trap "t=1; echo SIG$s" $s; done
echo ready
while :; do t=0; if read -r l; then echo "$l"; elif [ $t = 0 ]; then exit; fi; done 2>/dev/null`

/**
 * A process of the same group, that does nothing but listen for the group's signals.
 *
 * Ctrl-C goes to every process of the foreground group, `kill %1` and `timeout` signal the
 * group as well: then a program has had the signal already, and passing it on would make it
 * two, which many take as "at once, without tidying up". Nothing tells a process whether it
 * was meant alone, so another one is asked whether it has had the signal, too.
 */
export class GroupSignalProbe {
  #listener: ChildProcess | undefined
  /** What was heard and is not yet accounted for. */
  #heard: { signal: string; at: number }[] = []
  readonly #waiting = new Map<string, () => void>()
  #questions = 0
  readonly #ready: Promise<void>

  /** Starts the listener. Nothing of it keeps this process from ending. */
  constructor() {
    this.#ready = process.platform === 'win32' ? Promise.resolve() : this.#start()
  }

  /** Resolves when it listens. */
  untilReady(): Promise<void> {
    return this.#ready
  }

  async #start(): Promise<void> {
    const listener = spawn('sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { PATH: process.env.PATH },
    })
    this.#listener = listener
    // Without it, signals are taken to be for this process alone.
    const gone = () => {
      this.#listener = undefined
      for (const answered of this.#waiting.values()) answered()
    }
    listener.on('error', gone).on('exit', gone)
    listener.stdin.on('error', () => {})
    createInterface(listener.stdout).on('line', (line) => {
      const answered = this.#waiting.get(line)
      if (answered) answered()
      else this.#heard.push({ signal: line, at: performance.now() })
    })
    for (const handle of [listener, listener.stdin, listener.stdout]) {
      ;(handle as unknown as { unref?(): void }).unref?.()
    }
    await this.#answerTo('ready')
  }

  /** Call as soon as this process has had the signal. */
  async heardAsWell(signal: NodeJS.Signals): Promise<boolean> {
    if (await this.#heardUntilNow(signal)) return true
    await sleep(GROUP_SIGNAL_DELAY_MS)
    return this.#heardUntilNow(signal)
  }

  /** What it got before it was asked, it says before it answers. */
  async #heardUntilNow(signal: NodeJS.Signals): Promise<boolean> {
    const question = `question ${++this.#questions}`
    const answer = this.#answerTo(question)
    this.#listener?.stdin?.write(`${question}\n`)
    await answer
    // Two that came at once may have reached this process as one: what is left of them is forgotten.
    this.#heard = this.#heard.filter(({ at }) => at > performance.now() - MEMORY_MS)
    const index = this.#heard.findIndex((each) => each.signal === signal)
    if (index !== -1) this.#heard.splice(index, 1)
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
