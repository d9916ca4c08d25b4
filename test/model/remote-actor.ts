/** The other end of an actor: starts it, tells it what to do, stops, wakes and kills it. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cleanEnvironment } from '../support/process.ts'
import type { Answer, Command } from './actor.ts'

/** Only ends what hangs: far longer than anything the actor is told may take, in ms. */
const ANSWER_WITHIN = 60_000

/** It looks after its locks every 5 s, and takes a lost one again; on a busy machine later. In ms. */
const FINDS_OUT_WITHIN = 15_000

export class RemoteActor {
  readonly name: string
  /** Its lock directory. */
  readonly directory: string
  stoppedAt: number | undefined
  blockedAt: number | undefined
  /** When its lock directory was deleted: without its lock it writes no journal. */
  forgottenAt: number | undefined
  readonly #child: ChildProcess
  readonly #waiting = new Map<number, (answer: Answer) => void>()
  #sent = 0

  constructor(name: string, directory: string) {
    this.name = name
    this.directory = directory
    this.#child = fork(new URL('actor.ts', import.meta.url), [], {
      env: cleanEnvironment(),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#child.on('message', (answer: Answer) => {
      this.#waiting.get(answer.id)?.(answer)
      this.#waiting.delete(answer.id)
    })
  }

  /** When it could last do anything. */
  get lastSign(): number {
    return this.stoppedAt ?? this.blockedAt ?? Date.now()
  }

  /** Whether the journals say what it has out: it finds out within some seconds that they are gone. */
  get isRemembered(): boolean {
    return this.forgottenAt === undefined || this.lastSign - this.forgottenAt > FINDS_OUT_WITHIN
  }

  get isReady(): boolean {
    return this.stoppedAt === undefined && this.blockedAt === undefined
  }

  /** @throws Error when it does not answer in time, or ends instead */
  async tell(command: Command): Promise<Answer> {
    const id = ++this.#sent
    let timer: NodeJS.Timeout | undefined
    try {
      return await new Promise((resolve, reject) => {
        const fail = (why: string) =>
          reject(new Error(`${this.name}, told to ${command.do}, ${why}.`))
        timer = setTimeout(() => fail(`did not answer within ${ANSWER_WITHIN} ms`), ANSWER_WITHIN)
        this.#child.once('exit', () => fail('ended'))
        this.#waiting.set(id, resolve)
        this.#child.send({ id, command })
      })
    } finally {
      clearTimeout(timer)
      this.#child.removeAllListeners('exit')
    }
  }

  /** Has it end by itself, with all that it has out. */
  async exit(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.send({ id: 0, command: { do: 'exit' } })
    await ended
  }

  async kill(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGKILL')
    await ended
  }

  stop(): void {
    this.#child.kill('SIGSTOP')
    this.stoppedAt = Date.now()
  }

  wake(): void {
    this.#child.kill('SIGCONT')
    this.stoppedAt = undefined
    this.#findOutAnew()
  }

  unblock(): void {
    this.blockedAt = undefined
    this.#findOutAnew()
  }

  /** What happened to its journals meanwhile it notices only from now on. */
  #findOutAnew(): void {
    if (this.forgottenAt !== undefined) this.forgottenAt = Date.now()
  }
}
