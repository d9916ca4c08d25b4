import { chownSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import { fileURLToPath } from 'node:url'
import type { AllocatorOptions } from '@portslice/core'
import { type Interval, readIntervals } from './intervals.ts'
import { type ProcessOptions, TestProcess } from './process.ts'
import type { Command, Result } from './processes/allocate-on-command.ts'

const SCRIPT = fileURLToPath(new URL('processes/allocate-on-command.ts', import.meta.url))

export interface AllocatorProcessOptions extends ProcessOptions {
  /** Where to record which ports it has. */
  record?: string
  /** The program that runs the script. Default: this Node. */
  runtime?: readonly string[]
}

export interface Failure extends Error {
  code?: string
}

export type Answer = Required<Result> & {
  /** When it asked for allocators last, ns. */
  openedAt: string
  /** All warnings of the process so far. */
  warnings: string[]
  error?: { code?: string; message: string; stack: string }
}

/** A process that calls portslice on command. */
export class AllocatorProcess extends TestProcess {
  /** The id of the process itself; `child.pid` is that of the command that has started it. */
  #ownPid = 0
  readonly #record: string | undefined

  private constructor({
    record,
    runtime = [process.execPath],
    ...options
  }: AllocatorProcessOptions) {
    super([...runtime, SCRIPT, record ?? ''], {
      cwd: os.tmpdir(),
      ...options,
      env: { NODE_NO_WARNINGS: '1', ...options.env },
    })
    this.#record = record
  }

  static async start(options: AllocatorProcessOptions = {}): Promise<AllocatorProcess> {
    if (options.record) {
      writeFileSync(options.record, '')
      if (options.uid !== undefined) chownSync(options.record, options.uid, options.uid)
    }
    const started = new AllocatorProcess(options)
    try {
      started.#ownPid = (await started.hear<{ pid: number }>()).pid
      return started
    } catch (error) {
      await started.kill()
      throw error
    }
  }

  override get pid(): number {
    return this.#ownPid
  }

  /** @returns what came of a command, also if it failed */
  try(command: Command): Promise<Answer> {
    return this.ask<Answer>(command)
  }

  /** @throws what the process threw, as a {@link Failure} */
  async command(command: Command): Promise<Answer> {
    const answer = await this.try(command)
    const { error } = answer
    if (error) throw Object.assign(new Error(error.message), { code: error.code })
    return answer
  }

  open(options: AllocatorOptions, more: { count?: number; at?: string } = {}): Promise<Answer> {
    return this.command({ do: 'open', options, ...more })
  }

  async take(count: number): Promise<number[]> {
    return (await this.command({ do: 'take', count })).ports
  }

  override signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Kills the process itself: the command that has started it ends with it. */
  override async kill(): Promise<void> {
    try {
      if (this.pid > 0 && this.child.exitCode === null && this.child.signalCode === null) {
        this.killedAt ??= process.hrtime.bigint()
        process.kill(this.pid, 'SIGKILL')
      }
    } catch {
      // It has ended.
    }
    if (this.pid > 0) await this.exited
    else await super.kill()
  }

  /** Lets it end normally. */
  async end(): Promise<void> {
    this.child.stdin?.end()
    await this.exited
  }

  /** When it had which port; a port that was out when it was killed came back then. */
  intervals(): Interval[] {
    if (this.#record === undefined) return []
    return readIntervals(this.#record).map((interval) =>
      interval.to === undefined && this.killedAt !== undefined
        ? { ...interval, to: this.killedAt }
        : interval,
    )
  }
}
