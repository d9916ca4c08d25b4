/** A program, its ports, and their end. */
import type { PortLease } from '@portslice/core'
import { inspect } from '@portslice/core/inspect'
import type { EnvFile } from './env-file.js'
import { environmentFor, type GivenPort, withPorts } from './ports.js'
import { runProgram, say } from './program.js'
import type { SignalForwarder } from './signal-forwarder.js'

export interface RunOptions {
  ports: readonly GivenPort[]
  /** What is given back at the end. */
  leases: readonly PortLease[]
  program: readonly string[]
  /** For the program, beside the ports. */
  env: Record<string, string>
  envFile?: string | undefined
  signals: SignalForwarder
}

/** @returns the exit status of the program */
export async function runWithPorts(options: RunOptions): Promise<number> {
  const { ports, leases, program, env, envFile, signals } = options
  const file = envFile === undefined ? undefined : await written(envFile, ports)
  await signals.start()
  try {
    return await runProgram(
      program.map((argument) => withPorts(argument, ports)),
      { ...process.env, ...env, ...environmentFor(ports) },
      signals,
    )
  } finally {
    file?.remove()
    const outcomes = await Promise.all(leases.map((lease) => lease.release()))
    const leaked = leases.filter((_, index) => outcomes[index]?.leaked)
    for (const { port } of leaked) {
      say(
        `something still listens on port ${port}, though all of ${inspect(program[0])} that can be found has ended: a container, perhaps, or a daemon that has cleared its environment; the port is not handed out again before that has ended`,
      )
    }
    signals.stop()
  }
}

/** Loaded by those who want one. */
async function written(file: string, ports: readonly GivenPort[]): Promise<EnvFile> {
  const { writeEnvFile } = await import('./env-file.js')
  return writeEnvFile(file, ports)
}
