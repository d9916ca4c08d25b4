/** Namespaces of their own for processes, as containers have them. */
import { run, TestProcess, whyNot } from './process.ts'

const START_TIMEOUT_MS = 30_000

/** Kills what is inside if `unshare` itself is killed. */
export const TIED_TO_PARENT = ['--fork', '--kill-child']

/** Starts a process in a new network namespace. */
export const IN_OTHER_NETWORK = [
  'unshare',
  '-n',
  'sh',
  '-c',
  'ip link set lo up && exec "$@"',
  'sh',
]

/** @param flags of `unshare`, such as `--net` */
export function whyNoNamespaces(...flags: string[]): string | undefined {
  return whyNot('unshare', ...flags, ...TIED_TO_PARENT, 'true')
}

/** A shell that waits in new namespaces, which exist as long as it runs, so that other processes can enter them. */
export class NamespaceShell implements AsyncDisposable {
  readonly #shell: TestProcess

  private constructor(shell: TestProcess) {
    this.#shell = shell
  }

  /**
   * @param flag of `unshare`, for the kind of namespace
   * @param script runs there first
   * @returns the reason, if it fails
   */
  static async start(
    flag: string,
    script: string,
    args: readonly string[] = [],
  ): Promise<NamespaceShell | string> {
    const whole = `${script} && echo made && read -r end`
    const shell = new TestProcess(['unshare', flag, 'sh', '-c', whole, ...args])
    try {
      await shell.stdout.until((text) => /made/.exec(text), 'made', START_TIMEOUT_MS)
      return new NamespaceShell(shell)
    } catch (error) {
      await shell.kill()
      return shell.stderr.text.trim() || (error as Error).message
    }
  }

  get pid(): number {
    return this.#shell.pid
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell.kill()
  }
}

/** A network with nothing but a loopback interface. It ends with the last process in it. */
export class NetworkNamespace implements AsyncDisposable {
  /** The command that starts a process in it. */
  readonly by: readonly string[]
  readonly #shell: NamespaceShell

  private constructor(shell: NamespaceShell) {
    this.#shell = shell
    this.by = ['nsenter', `--net=/proc/${shell.pid}/ns/net`]
  }

  /** @returns the reason, as a clause, if no namespace can be created */
  static async make(): Promise<NetworkNamespace | string> {
    if (process.getuid?.() !== 0) return 'only root may make a network namespace'
    const shell = await NamespaceShell.start('-n', 'ip link set lo up')
    return typeof shell === 'string'
      ? `no network namespace can be made here (${shell})`
      : new NetworkNamespace(shell)
  }

  /** Sets a value below `/proc/sys/net`. @throws Error if that is not permitted */
  async set(name: string, value: string): Promise<void> {
    const script = ['sh', '-c', `echo "$1" > "/proc/sys/net/$2"`, 'sh', value, name]
    await run(script, { by: this.by })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]()
  }
}
