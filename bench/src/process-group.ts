/** Processes that do the same at the same time: each makes ready, then all begin at one moment. */
import { type ChildProcess, fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from 'portslice-test/support/project'

/** ms between the word to begin and the beginning, and more for each: until all have heard it. */
const NOTICE = 200
const NOTICE_EACH = 5
/** ms; only what hangs takes so long. */
const LONGEST = 300_000

interface CrewOptions {
  lockDirectory: string
  /** Further arguments to Node. */
  flags?: readonly string[]
}

export class ProcessGroup<Result> implements AsyncDisposable {
  readonly #members: Member[]

  private constructor(members: Member[]) {
    this.#members = members
  }

  /** Starts a script of `processes/` for each plan, and waits until each of them is ready. */
  static async of<Result>(
    script: string,
    plans: readonly object[],
    { lockDirectory, flags = [] }: CrewOptions,
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
      await Promise.all(group.#members.map((member) => member.said()))
      return group
    } catch (error) {
      await group[Symbol.asyncDispose]()
      throw error
    }
  }

  /** What each has to tell of what all did together. */
  async together(): Promise<Result[]> {
    const notice = NOTICE + NOTICE_EACH * this.#members.length
    const begin = process.hrtime.bigint() + BigInt(notice) * 1_000_000n
    const results = this.#members.map((member) => member.said() as Promise<Result>)
    for (const member of this.#members) member.tell(String(begin))
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

  /** The next that it says. */
  async said(): Promise<unknown> {
    let late: NodeJS.Timeout | undefined
    try {
      return await Promise.race([
        new Promise((resolve) => this.#child.once('message', resolve)),
        this.#ended.then((how) => {
          throw new Error(`A process ended with ${how} before it had said what it found.`)
        }),
        new Promise((_, reject) => {
          const silent = () => reject(new Error(`A process said nothing for ${LONGEST / 1000} s.`))
          late = setTimeout(silent, LONGEST)
        }),
      ])
    } finally {
      clearTimeout(late)
    }
  }

  tell(word: string): void {
    this.#child.send(word)
  }

  /** Ends it in good order, if it still can. */
  async end(): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    const force = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#ended
    clearTimeout(force)
  }
}
