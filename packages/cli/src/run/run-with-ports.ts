import type { PortLease } from '@portslice/core'
import { ownersOf } from '@portslice/core/internal/inspect'
import { printNotice } from '../terminal/print.js'
import { type AssignedPort, environmentFor, replacePortPlaceholders } from './pass-ports.js'
import { runProgram } from './run-program.js'
import type { SignalForwarder } from './signal-forwarder.js'
import type { EnvFile } from './write-env-file.js'

export interface RunOptions {
  ports: readonly AssignedPort[]
  leases: readonly PortLease[]
  program: readonly string[]
  env: Record<string, string>
  envFile?: string | undefined
  /** How long to wait for background processes. `undefined`: until they have ended. */
  lingerMs: number | undefined
  signals: SignalForwarder
}

/** Runs the program with its ports, and releases them at the end. The common part of `run` and `claim`. */
export async function runWithPorts(options: RunOptions): Promise<number> {
  const { ports, leases, program, env, envFile, lingerMs, signals } = options
  const file = envFile === undefined ? undefined : await writeFile(envFile, ports)
  await signals.start()
  try {
    return await runProgram({
      program: program.map((argument) => replacePortPlaceholders(argument, ports)),
      env: { ...process.env, ...env, ...environmentFor(ports) },
      ports: ports.map(({ port }) => port),
      lingerMs,
      signals,
    })
  } finally {
    file?.remove()
    const outcomes = await Promise.all(leases.map((lease) => lease.release()))
    const leaked = leases.filter((_, index) => outcomes[index]?.leaked)
    for (const { port, host } of leaked) {
      const who = host === undefined ? await listenersOn(port) : `a program on ${host}`
      printNotice(
        `a process still listens on port ${port}: ${who}. The port is not handed out again until it has ended.`,
      )
    }
    signals.stop()
  }
}

async function listenersOn(port: number): Promise<string> {
  const owners = (await ownersOf(port)).filter(({ pid }) => pid !== process.pid)
  if (owners.length === 0) return 'an unknown process, for example in a container'
  const { processName } = await import('../terminal/process-name.js')
  return owners.map(({ pid }) => processName(pid)).join(', ')
}

async function writeFile(file: string, ports: readonly AssignedPort[]): Promise<EnvFile> {
  const { writeEnvFile } = await import('./write-env-file.js')
  return writeEnvFile(file, ports)
}
