import path from 'node:path'
import { AllocatorProcess } from '../support/allocator-process.ts'
import type { ProcessOptions, TestProcess } from '../support/process.ts'
import { ownDirectory, ProcessGroup } from '../support/process-group.ts'
import { chownTo } from './unprivileged-users.ts'

/** The processes of one fault, each with another working directory below `directory`. */
export class FaultProcesses extends ProcessGroup {
  readonly #directory: string

  constructor(directory: string) {
    super(new URL('processes/', import.meta.url))
    this.#directory = directory
  }

  override start(
    script: string,
    plan: unknown,
    options: ProcessOptions & { runtime?: readonly string[] } = {},
  ): TestProcess {
    const cwd = ownDirectory(this.#directory, this.members.length + 1)
    if (options.uid !== undefined) chownTo(options.uid, cwd)
    return super.start(script, plan, { cwd, ...options })
  }
}

let recorded = 0

/** Starts a process that allocates on command, and records below `directory` which ports it has. */
export function startAllocator(
  directory: string,
  options: ProcessOptions = {},
): Promise<AllocatorProcess> {
  const record = path.join(directory, `record-${++recorded}.ndjson`)
  return AllocatorProcess.start({ cwd: directory, record, ...options })
}

export function startAllocators(count: number, directory: string): Promise<AllocatorProcess[]> {
  return Promise.all(Array.from({ length: count }, () => startAllocator(directory)))
}
