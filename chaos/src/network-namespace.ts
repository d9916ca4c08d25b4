/** A network of its own, with nothing but a loopback interface, that some processes are in. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** ms */
const LONGEST = 10_000

/** Ends with the last process in it. */
export class NetworkNamespace implements AsyncDisposable {
  readonly #shell: ChildProcess

  private constructor(shell: ChildProcess) {
    this.#shell = shell
  }

  /** @returns the reason, as a clause, where there is none to be had */
  static async make(): Promise<NetworkNamespace | string> {
    if (process.getuid?.() !== 0) return 'only root may make a network namespace'
    const script = 'ip link set lo up && echo made && read -r end'
    const shell = spawn('unshare', ['-n', 'sh', '-c', script])
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
    if (said.startsWith('made')) return new NetworkNamespace(shell)
    shell.kill('SIGKILL')
    return `no network namespace can be made here (${said.trim() || 'unshare is missing'})`
  }

  /** How a process is started in it. */
  get by(): string[] {
    return ['nsenter', `--net=/proc/${this.#shell.pid}/ns/net`]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.kill('SIGKILL')
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) {
      await once(this.#shell, 'exit')
    }
  }
}
