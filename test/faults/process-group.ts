/** The processes of one fault: started by script, talked to by lines, and ended with the fault. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../support/project.ts'
import { chownTo } from './users.ts'

/** The longest that anything is waited for, in ms: only what hangs takes so long. */
const LONGEST = 60_000

export interface StartOptions {
  env?: Record<string, string>
  /** The user that it runs as; needs root. */
  uid?: number
  /** A command that starts the process, such as one that enters a namespace first. */
  by?: readonly string[]
  /** What runs the script. Default: this Node. */
  runtime?: readonly string[]
}

export class ProcessGroup implements AsyncDisposable {
  readonly #folder: string
  readonly members: Member[] = []

  /** @param folder each process gets a folder of its own below it, as its working directory */
  constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts a script of `processes/`, which is given `plan` as JSON. */
  start(script: string, plan: unknown, options: StartOptions = {}): Member {
    const cwd = path.join(this.#folder, `process-${this.members.length + 1}`)
    mkdirSync(cwd)
    const { uid, by = [], runtime = [process.execPath], env } = options
    if (uid !== undefined) chownTo(uid, cwd)
    const file = fileURLToPath(new URL(`processes/${script}.ts`, import.meta.url))
    const [command, ...args] = [...by, ...runtime, file, JSON.stringify(plan)]
    const child = spawn(command as string, args, {
      cwd,
      // Warnings are listened to by the scripts. What else is on stderr is a failure.
      env: { ...cleanEnvironment(), NODE_NO_WARNINGS: '1', ...env },
      ...(uid !== undefined && { uid, gid: uid }),
    })
    const member = new Member(child, cwd)
    this.members.push(member)
    return member
  }

  /** How each process that ended badly did so, a sentence each. */
  get complaints(): string[] {
    return this.members.flatMap(({ complaint }) => complaint ?? [])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      this.members.map(async (member) => {
        member.kill()
        await member.ended
      }),
    )
  }
}

export class Member {
  /** Its working directory. */
  readonly folder: string
  readonly ended: Promise<void>
  /** When it was killed with SIGKILL, in ns of the clock that `Recorder` uses. */
  killedAt: bigint | undefined
  stderr = ''
  /** What it did wrong. */
  complaint: string | undefined
  readonly #child: ChildProcess
  readonly #lines: string[] = []
  #isEnded = false
  #news = () => {}

  constructor(child: ChildProcess, folder: string) {
    this.#child = child
    this.folder = folder
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      this.stderr += text
    })
    // It may end before it has read what it is told.
    child.stdin?.on('error', () => {})
    if (child.stdout) {
      createInterface(child.stdout).on('line', (line) => {
        this.#lines.push(line)
        this.#news()
      })
    }
    const end = (how: unknown) => {
      this.#isEnded = true
      const isFine = how === 0 || this.killedAt !== undefined
      if (!isFine || this.stderr !== '') {
        this.complaint = `A process ended with ${how}: ${this.stderr.trim().slice(0, 800)}`
      }
      this.#news()
    }
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => {
        end(error.message)
        resolve()
      })
      // Not 'close': a child of it may have inherited its stdout and live on.
      child.once('exit', async (status, signal) => {
        // What it wrote last may still be on its way.
        await new Promise((soon) => setTimeout(soon, 20))
        end(status ?? signal)
        resolve()
      })
    })
  }

  get pid(): number {
    return this.#child.pid as number
  }

  /** The next line that it prints, parsed. */
  async hear<T>(longest = LONGEST): Promise<T> {
    const deadline = performance.now() + longest
    for (;;) {
      const line = this.#lines.shift()
      if (line !== undefined) return JSON.parse(line) as T
      if (this.#isEnded) throw new Error(this.complaint ?? 'A process ended without a word.')
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`A process said nothing for ${longest} ms: ${this.stderr}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#news = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  tell(word: string): void {
    this.#child.stdin?.write(`${word}\n`)
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  kill(): void {
    if (this.#isEnded) return
    this.killedAt ??= process.hrtime.bigint()
    this.#child.kill('SIGKILL')
  }

  /** Waits for it to end by itself, and no longer than that may take. */
  async untilEnded(longest = LONGEST): Promise<void> {
    const timer = setTimeout(() => {
      this.kill()
      this.complaint = `A process had not ended after ${longest} ms.`
    }, longest)
    await this.ended
    clearTimeout(timer)
  }
}
