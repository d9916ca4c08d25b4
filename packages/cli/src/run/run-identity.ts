/**
 * Identifies the run that wrote a file, and finds out whether it is active. A pid is not enough, because a
 * restarted container reuses its pids. So the run listens on a UNIX socket beside the file, which works across
 * network and pid namespaces. Without sockets, pid, start time and pid namespace identify a run.
 * The state of a run on another kernel (a virtual machine that shares the directory) is unknown.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import {
  codeOf,
  hostname,
  namespaceOf,
  processTable,
  system,
} from '@portslice/core/internal/inspect'
import { procStat } from './proc-stat.js'

export interface RunIdentity {
  pid: number
  /** In clock ticks since boot; `-` if unknown. */
  startedAt: string
  /** Such as `pid:[4026531836]`; `-` if unknown. */
  pidNamespace: string
  /** The boot id, or the host name without one. */
  kernel: string
  /** A name in the directory of the file; `-` if the file system has no sockets. */
  socket: string
}

/** Index into {@link procStat}. */
const START_TIME = 19
const CONNECT_TIMEOUT_MS = 2000

const LINE =
  /^# Run: pid (\d+), started at (\d+|-) in (\S+) on (\S+), socket (\.[\w.-]+\.sock|-)\.$/

export function formatRun({ pid, startedAt, pidNamespace, kernel, socket }: RunIdentity): string {
  return `# Run: pid ${pid}, started at ${startedAt} in ${pidNamespace} on ${kernel}, socket ${socket}.`
}

export function parseRun(line: string): RunIdentity | undefined {
  const [, pid, startedAt, pidNamespace, kernel, socket] = LINE.exec(line) ?? []
  if (!pid || !startedAt || !pidNamespace || !kernel || !socket) return undefined
  return { pid: Number(pid), startedAt, pidNamespace, kernel, socket }
}

export interface IdentifiedRun {
  identity: RunIdentity
  close(): void
}

export async function identifyRun(directory: string): Promise<IdentifiedRun> {
  const name = `.portslice-${randomBytes(6).toString('hex')}.sock`
  // An accepted connection proves that the run is active.
  const server = net.createServer((socket) => socket.destroy())
  server.listen(path.join(directory, name)).unref()
  const isBound = await once(server, 'listening').then(
    () => true,
    () => false,
  )
  server.on('error', () => {})
  return {
    identity: { ...identityOfThisProcess(), socket: isBound ? name : '-' },
    close: () => {
      server.close()
      rmSync(path.join(directory, name), { force: true })
    },
  }
}

export async function stateOfRun(
  run: RunIdentity,
  directory: string,
): Promise<'alive' | 'dead' | 'unknown'> {
  const here = identityOfThisProcess()
  if (run.kernel !== here.kernel) return 'unknown'
  if (run.socket !== '-') {
    const answer = await connect(path.join(directory, run.socket))
    if (answer !== 'unknown') return answer
  }
  if (run.pidNamespace !== here.pidNamespace || run.pidNamespace === '-') return 'unknown'
  return procStat(run.pid)?.[START_TIME] === run.startedAt ? 'alive' : 'dead'
}

async function connect(file: string): Promise<'alive' | 'dead' | 'unknown'> {
  const socket = net.connect(file)
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_TIMEOUT_MS) })
    return 'alive'
  } catch (error) {
    if (codeOf(error) === 'ECONNREFUSED') return 'dead'
    // EAGAIN: the socket exists, but its queue is full because the process is stopped.
    return codeOf(error) === 'EAGAIN' ? 'alive' : 'unknown'
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

function identityOfThisProcess(): Omit<RunIdentity, 'socket'> {
  const { pid } = process
  const kernel = system.readBootId() ?? (hostname() || '-')
  // In a new pid namespace, /proc may still belong to the old one.
  const pidNamespace = processTable() === 'own' ? namespaceOf('pid') : undefined
  const startedAt = procStat(pid)?.[START_TIME]
  return { pid, startedAt: startedAt ?? '-', pidNamespace: pidNamespace ?? '-', kernel }
}
