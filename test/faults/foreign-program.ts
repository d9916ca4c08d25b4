import { fileURLToPath } from 'node:url'
import { type ProcessOptions, TestProcess } from '../support/process.ts'
import type { BindCommand, Bound } from './processes/bind-on-command.ts'

const SCRIPT = fileURLToPath(new URL('processes/bind-on-command.ts', import.meta.url))

/** A program that does not use portslice, and binds ports. */
export class ForeignProgram extends TestProcess {
  constructor(options: ProcessOptions = {}) {
    super([process.execPath, SCRIPT], options)
  }

  /** @returns the ports that it has bound */
  async command(command: BindCommand): Promise<number[]> {
    const { ports, error } = await this.ask<Bound>(command)
    if (error) throw new Error(`The foreign program failed: ${error.message}`)
    return ports
  }
}
