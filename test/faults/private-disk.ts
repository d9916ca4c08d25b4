/** A small disk of its own, in a mount namespace that only some processes see. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { NamespaceShell } from './namespace-shell.ts'

/** The namespace, and with it the disk, ends with the last process in it. */
export class PrivateDisk implements AsyncDisposable {
  /** Where it is mounted, for processes started {@link by} it. */
  readonly folder: string
  readonly #shell: NamespaceShell

  private constructor(folder: string, shell: NamespaceShell) {
    this.folder = folder
    this.#shell = shell
  }

  /** @returns the reason, as a clause, where there is none to be had */
  static async mount(folder: string, options: string): Promise<PrivateDisk | string> {
    if (process.getuid?.() !== 0) return 'only root may mount a disk'
    mkdirSync(folder)
    const script = 'mount -t tmpfs -o "$1" none "$0"'
    const shell = await NamespaceShell.start('-m', script, [folder, options])
    return typeof shell === 'string'
      ? `no disk can be mounted here (${shell})`
      : new PrivateDisk(folder, shell)
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
    await this.#shell[Symbol.asyncDispose]()
  }
}
