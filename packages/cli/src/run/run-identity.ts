/**
 * Which run has written a file, and whether it still goes on.
 *
 * A pid alone says nothing: a restarted container has the same pids again. What decides is a UNIX
 * socket beside the file, on which the run listens and which the kernel closes when the run dies,
 * even by SIGKILL. A path socket can be reached from every network and pid namespace that shares
 * the directory. If a file system has no sockets, the process is known by pid, start time and pid
 * namespace. A run on another kernel (a virtual machine that shares the directory) cannot be seen.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, readlinkSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { codeOf } from '@portslice/core/internal/inspect'
import { procStat } from './proc-stat.js'

export interface RunIdentity {
  pid: number
  /** When the process started, in clock ticks since boot; `-` if that is not known. */
  startedAt: string
  /** Such as `pid:[4026531836]`; `-` if that is not known. */
  pidNamespace: string
  /** The boot id of the kernel; without one, the name of the host. */
  kernel: string
  /** The name of the socket in the directory of the file; `-` if the file system has no sockets. */
  socket: string
}

/** Field 22 of proc(5), counted from field 3. */
const START_TIME = 19
/** A socket on the same machine answers at once or not at all. */
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
  /** Closes and removes the socket. */
  close(): void
}

/** Identifies this process in a directory, with a socket if the file system has them. */
export async function identifyRun(directory: string): Promise<IdentifiedRun> {
  const name = `.portslice-${randomBytes(6).toString('hex')}.sock`
  // That the connection is accepted is the answer.
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

/** `unknown`: the run cannot be seen from here. */
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
    // EAGAIN: its queue is full, as it is stopped. Removed or not readable: that says nothing.
    return codeOf(error) === 'EAGAIN' ? 'alive' : 'unknown'
  } finally {
    socket.on('error', () => {}).destroy()
  }
}

function identityOfThisProcess(): Omit<RunIdentity, 'socket'> {
  const { pid } = process
  try {
    const kernel = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim()
    const startedAt = procStat(process.pid)?.[START_TIME] ?? '-'
    // In a new pid namespace with the old /proc, that speaks of other processes.
    const isOwnProc = readlinkSync('/proc/self') === String(pid)
    const pidNamespace = isOwnProc ? readlinkSync('/proc/self/ns/pid') : '-'
    return { pid, startedAt, pidNamespace, kernel }
  } catch {
    return { pid, startedAt: '-', pidNamespace: '-', kernel: os.hostname() || '-' }
  }
}
