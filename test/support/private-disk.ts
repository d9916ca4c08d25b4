import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { NamespaceShell } from './namespaces.ts'
import { run } from './process.ts'

/** A small disk in a mount namespace that only some processes see. It ends with the last of them. */
export class PrivateDisk implements AsyncDisposable {
  /** Where it is mounted, for processes started {@link by} it. */
  readonly folder: string
  /** The command that starts a process that sees the disk; its working directory is `/`. */
  readonly by: readonly string[]
  readonly #shell: NamespaceShell

  private constructor(folder: string, shell: NamespaceShell) {
    this.folder = folder
    this.#shell = shell
    this.by = ['nsenter', `--mount=/proc/${shell.pid}/ns/mnt`]
  }

  /** @returns the reason, as a clause, if no disk can be mounted */
  static async mount(folder: string, options: string): Promise<PrivateDisk | string> {
    if (process.getuid?.() !== 0) return 'only root may mount a disk'
    mkdirSync(folder)
    const shell = await NamespaceShell.start('-m', 'mount -t tmpfs -o "$1" none "$0"', [
      folder,
      options,
    ])
    return typeof shell === 'string'
      ? `no disk can be mounted here (${shell})`
      : new PrivateDisk(folder, shell)
  }

  /** A path on the disk as this process sees it. */
  file(...parts: string[]): string {
    return path.join(`/proc/${this.#shell.pid}/root`, this.folder, ...parts)
  }

  async makeReadOnly(): Promise<void> {
    await run(['mount', '-o', 'remount,ro', this.folder], { by: this.by, cwd: '/' })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#shell[Symbol.asyncDispose]()
  }
}
