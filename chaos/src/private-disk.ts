/** A small disk of its own, in a mount namespace that only some processes see. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'

/** ms */
const LONGEST = 10_000

/** The namespace, and with it the disk, ends with the last process in it. */
export class PrivateDisk implements AsyncDisposable {
  /** Where it is mounted, for processes started {@link by} it. */
  readonly folder: string
  readonly #shell: ChildProcess

  private constructor(folder: string, shell: ChildProcess) {
    this.folder = folder
    this.#shell = shell
  }

  /** @returns the reason, as a clause, where there is none to be had */
  static async mount(folder: string, options: string): Promise<PrivateDisk | string> {
    if (process.getuid?.() !== 0) return 'only root may mount a disk'
    mkdirSync(folder)
    const script = 'mount -t tmpfs -o "$1" none "$0" && echo mounted && read -r end'
    const shell = spawn('unshare', ['-m', 'sh', '-c', script, folder, options])
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
    if (said.startsWith('mounted')) return new PrivateDisk(folder, shell)
    shell.kill('SIGKILL')
    return `no disk can be mounted here (${said.trim() || 'unshare is missing'})`
  }

  /** How a process is started that sees the disk; its working directory is `/`. */
  get by(): string[] {
    return ['nsenter', `--mount=/proc/${this.#shell.pid}/ns/mnt`]
  }

  /** A path on the disk as this process sees it. */
  file(...parts: string[]): string {
    return path.join(`/proc/${this.#shell.pid}/root`, this.folder, ...parts)
  }

  async makeReadOnly(): Promise<void> {
    const [enter, ...where] = this.by as [string, ...string[]]
    const mount = ['mount', '-o', 'remount,ro', this.folder]
    const [status] = await once(spawn(enter, [...where, ...mount], { stdio: 'ignore' }), 'exit')
    if (status !== 0) throw new Error(`The disk on ${this.folder} could not be made read-only.`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#shell.kill('SIGKILL')
    if (this.#shell.exitCode === null && this.#shell.signalCode === null) {
      await once(this.#shell, 'exit')
    }
  }
}
