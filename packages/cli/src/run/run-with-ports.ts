/** A program, its ports, and their end. */
import type { PortLease } from '@portslice/core'
import { ownersOf } from '@portslice/core/internal/inspect'
import { say } from '../terminal/say.js'
import type { EnvFile } from './env-file.js'
import { environmentFor, type GivenPort, withPorts } from './ports.js'
import { runProgram } from './program.js'
import type { SignalForwarder } from './signal-forwarder.js'

export interface RunOptions {
  ports: readonly GivenPort[]
  /** What is given back at the end. */
  leases: readonly PortLease[]
  program: readonly string[]
  /** For the program, beside the ports. */
  env: Record<string, string>
  envFile?: string | undefined
  /** How long to go on for processes that the program left, in ms; `undefined`: until they have ended. */
  linger: number | undefined
  signals: SignalForwarder
}

/** @returns the exit status of the program */
export async function runWithPorts(options: RunOptions): Promise<number> {
  const { ports, leases, program, env, envFile, linger, signals } = options
  const file = envFile === undefined ? undefined : await written(envFile, ports)
  await signals.start()
  try {
    return await runProgram({
      program: program.map((argument) => withPorts(argument, ports)),
      env: { ...process.env, ...env, ...environmentFor(ports) },
      ports: ports.map(({ port }) => port),
      linger,
      signals,
    })
  } finally {
    file?.remove()
    const outcomes = await Promise.all(leases.map((lease) => lease.release()))
    const leaked = leases.filter((_, index) => outcomes[index]?.leaked)
    for (const { port } of leaked) {
      say(
        `something still listens on port ${port}: ${await listenersOn(port)}. The port is not handed out again before that has ended.`,
      )
    }
    signals.stop()
  }
}

async function listenersOn(port: number): Promise<string> {
  const owners = (await ownersOf(port)).filter(({ pid }) => pid !== process.pid)
  if (owners.length === 0) return 'a process that cannot be seen from here, such as a container'
  const { processName } = await import('../terminal/process-name.js')
  return owners.map(({ pid }) => processName(pid)).join(', ')
}

/** Loaded by those who want one. */
async function written(file: string, ports: readonly GivenPort[]): Promise<EnvFile> {
  const { writeEnvFile } = await import('./env-file.js')
  return writeEnvFile(file, ports)
}
