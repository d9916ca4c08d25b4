import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ProcessOptions, TestProcess } from './process.ts'

/** The time from the message to the start, so that all processes get it in time. */
const START_DELAY_MS = 200
const START_DELAY_PER_PROCESS_MS = 5
const MEASUREMENT_TIMEOUT_MS = 300_000

interface ScriptOptions {
  /** Of Node. */
  flags?: readonly string[]
  /** The program that runs the script, instead of Node. */
  runtime?: readonly string[]
}

/** Processes that run the scripts of one directory, and are ended together. */
export class ProcessGroup implements AsyncDisposable {
  readonly members: TestProcess[] = []
  readonly #scripts: URL

  constructor(scripts: URL) {
    this.#scripts = scripts
  }

  /** Starts a script, which is given `plan` as JSON. */
  start(
    script: string,
    plan: unknown,
    { flags = [], runtime, ...options }: ProcessOptions & ScriptOptions = {},
  ): TestProcess {
    const file = fileURLToPath(new URL(`${script}.ts`, this.#scripts))
    const node = [options.node ?? process.execPath, ...flags]
    const member = new TestProcess([...(runtime ?? node), file, JSON.stringify(plan)], {
      ...options,
      // Scripts collect warnings. Anything else on stderr is a failure.
      env: { NODE_NO_WARNINGS: '1', ...options.env },
    })
    this.members.push(member)
    return member
  }

  /** Starts the work of all members at the same moment, and returns their results. */
  async run<Result>(): Promise<Result[]> {
    const results = this.members.map((member) => member.hear<Result>(MEASUREMENT_TIMEOUT_MS))
    const delay = START_DELAY_MS + START_DELAY_PER_PROCESS_MS * this.members.length
    const begin = process.hrtime.bigint() + BigInt(delay) * 1_000_000n
    for (const member of this.members) member.tell(String(begin))
    return Promise.all(results)
  }

  /** How each failed process ended, a sentence each. */
  get complaints(): string[] {
    return this.members.flatMap(({ complaint }) => complaint ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member.kill()))
  }
}

/** Creates the working directory of a member. */
export function ownDirectory(parent: string, number: number): string {
  const directory = path.join(parent, `process-${number}`)
  mkdirSync(directory)
  return directory
}
