import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

/** A directory that is removed at the end of the block. */
export class TemporaryDirectory implements Disposable {
  readonly path = mkdtempSync(path.join(os.tmpdir(), 'portslice-test-'))

  /** A project root below it, which nothing else uses. */
  project(name: string): string {
    const root = path.join(this.path, name)
    mkdirSync(path.join(root, '.git'), { recursive: true })
    return root
  }

  get locks(): string {
    return path.join(this.path, 'locks')
  }

  /** Lets other users make files in it. */
  openToAll(): void {
    chmodSync(this.path, 0o777)
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true, maxRetries: 5 })
  }
}
