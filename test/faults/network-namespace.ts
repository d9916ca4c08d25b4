/** A network of its own, with nothing but a loopback interface, that some processes are in. */
import { NamespaceShell } from './namespace-shell.ts'

/** Ends with the last process in it. */
export class NetworkNamespace implements AsyncDisposable {
  readonly #shell: NamespaceShell

  private constructor(shell: NamespaceShell) {
    this.#shell = shell
  }

  /** @returns the reason, as a clause, where there is none to be had */
  static async make(): Promise<NetworkNamespace | string> {
    if (process.getuid?.() !== 0) return 'only root may make a network namespace'
    const shell = await NamespaceShell.start('-n', 'ip link set lo up')
    return typeof shell === 'string'
      ? `no network namespace can be made here (${shell})`
      : new NetworkNamespace(shell)
  }

  /** How a process is started in it. */
  get by(): string[] {
    return ['nsenter', `--net=/proc/${this.#shell.pid}/ns/net`]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]()
  }
}
