import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { cleanEnvironment } from '../../support/project.ts'
import type { StrangersCommand } from './stranger.ts'

const SCRIPT = fileURLToPath(new URL('stranger.ts', import.meta.url))
/** ms */
const LONGEST = 60_000

/** A process that binds ports and asks nobody; see `stranger.ts`. */
export class Stranger implements AsyncDisposable {
  readonly #child: ChildProcess

  /** @param by a command that starts it, such as one that enters a namespace first */
  constructor(by: readonly string[] = []) {
    const [command, ...args] = [...by, process.execPath, SCRIPT]
    this.#child = spawn(command as string, args, {
      env: cleanEnvironment(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
  }

  /** @returns the ports that it has bound */
  async ask(command: StrangersCommand): Promise<number[]> {
    this.#child.send(command)
    const signal = AbortSignal.timeout(LONGEST)
    const [answer] = await once(this.#child, 'message', { signal })
    if (answer.failure) throw new Error(`The stranger failed: ${answer.failure}`)
    return answer.ports
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
  }
}
