/** A shell that waits in namespaces of its own, and keeps them there for others to enter. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** ms */
const LONGEST = 10_000

/** The namespaces end with the last process in them. */
export class NamespaceShell implements AsyncDisposable {
  readonly pid: number | undefined
  readonly #shell: ChildProcess

  private constructor(shell: ChildProcess) {
    this.pid = shell.pid
    this.#shell = shell
  }

  /**
   * @param flag of `unshare`, for the kind of namespace
   * @param script what to do there first
   * @returns what was said, where it did not succeed
   */
  static async start(
    flag: string,
    script: string,
    args: readonly string[] = [],
  ): Promise<NamespaceShell | string> {
    const whole = `${script} && echo made && read -r end`
    const shell = spawn('unshare', [flag, 'sh', '-c', whole, ...args])
    let said = ''
    for (const stream of [shell.stdout, shell.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text
      })
    }
    const failed = new Promise((resolve) => {
      shell.once('error', resolve)
      shell.once('exit', resolve)
    })
    const timer = setTimeout(() => shell.kill('SIGKILL'), LONGEST)
    await Promise.race([failed, once(shell.stdout, 'data')])
    clearTimeout(timer)
    if (said.startsWith('made')) return new NamespaceShell(shell)
    shell.kill('SIGKILL')
    return said.trim() || 'unshare is missing'
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.kill('SIGKILL')
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) {
      await once(this.#shell, 'exit')
    }
  }
}
