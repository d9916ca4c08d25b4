import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from 'portslice-test/support/project'

/** The time from the message to the start, so that all processes get it in time. */
const START_DELAY_MS = 200
const START_DELAY_PER_PROCESS_MS = 5
/** Only ends a process that hangs. */
const MESSAGE_TIMEOUT_MS = 300_000

interface ProcessGroupOptions {
  lockDirectory: string
  /** Additional arguments for Node. */
  flags?: readonly string[]
}

/** Processes that prepare first, and then start the same work at one moment. */
export class ProcessGroup<Result> implements AsyncDisposable {
  readonly #members: Member[]

  private constructor(members: Member[]) {
    this.#members = members
  }

  /** Starts a script of `processes/` for each plan, and waits until each of them is ready. */
  static async of<Result>(
    script: string,
    plans: readonly object[],
    { lockDirectory, flags = [] }: ProcessGroupOptions,
  ): Promise<ProcessGroup<Result>> {
    const file = fileURLToPath(new URL(`processes/${script}.ts`, import.meta.url))
    const env = { ...cleanEnvironment(), PORTSLICE_LOCK_DIR: lockDirectory }
    const group = new ProcessGroup<Result>(
      plans.map((plan) => {
        const child = fork(file, [JSON.stringify(plan)], { env, execArgv: [...flags] })
        return new Member(child)
      }),
    )
    try {
      await Promise.all(group.#members.map((member) => member.nextMessage()))
      return group
    } catch (error) {
      await group[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Starts the work in all processes at the same moment, and returns their results. */
  async run(): Promise<Result[]> {
    const delay = START_DELAY_MS + START_DELAY_PER_PROCESS_MS * this.#members.length
    const begin = process.hrtime.bigint() + BigInt(delay) * 1_000_000n
    const results = this.#members.map((member) => member.nextMessage() as Promise<Result>)
    for (const member of this.#members) member.send(String(begin))
    return Promise.all(results)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member.end()))
  }
}

class Member {
  readonly #child: ChildProcess
  readonly #ended: Promise<string>

  constructor(child: ChildProcess) {
    this.#child = child
    this.#ended = new Promise((resolve) => {
      child.once('error', ({ message }) => resolve(message))
      child.once('exit', (status, signal) => resolve(String(status ?? signal)))
    })
  }

  async nextMessage(): Promise<unknown> {
    let late: NodeJS.Timeout | undefined
    try {
      return await Promise.race([
        new Promise((resolve) => this.#child.once('message', resolve)),
        this.#ended.then((how) => {
          throw new Error(`A process ended with ${how} before it had sent its result.`)
        }),
        new Promise((_, reject) => {
          const fail = () =>
            reject(new Error(`A process sent no message for ${MESSAGE_TIMEOUT_MS / 1000} s.`))
          late = setTimeout(fail, MESSAGE_TIMEOUT_MS)
        }),
      ])
    } finally {
      clearTimeout(late)
    }
  }

  send(message: string): void {
    this.#child.send(message)
  }

  /** Disconnects, so that the process can exit, and kills it if it does not. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#ended
    clearTimeout(force)
  }
}
