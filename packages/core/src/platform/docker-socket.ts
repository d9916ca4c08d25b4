import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { codeOf } from '../errors.js'

const DEFAULT_SOCKET = '/var/run/docker.sock'
const UNIX_SOCKETS = '/proc/net/unix'
/** `__SO_ACCEPTCON`, the flag of a listening socket in that table. */
const LISTENING = '00010000'
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

export interface DockerSocket {
  readonly address: string
  /** Whether its ports are probably in another network namespace, where sentinels have no effect. */
  readonly isElsewhere: boolean | undefined
}

/** Finds the socket of the Docker daemon, without connecting to it. */
export function dockerSocket(
  env: Readonly<Record<string, string | undefined>> = process.env,
  socket = DEFAULT_SOCKET,
): DockerSocket | undefined {
  const host = env.DOCKER_HOST
  if (!host) {
    return isSocket(socket)
      ? { address: `unix://${socket}`, isElsewhere: isInOtherNamespace(socket) }
      : undefined
  }
  if (host.startsWith('unix://')) {
    return { address: host, isElsewhere: isInOtherNamespace(host.slice('unix://'.length)) }
  }
  return { address: host, isElsewhere: isRemote(host) }
}

/** A socket that cannot be accessed may exist: unknown is not absent. */
function isSocket(file: string): boolean {
  try {
    return statSync(file).isSocket()
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(codeOf(error))
  }
}

/** Compares only file names, because a container may mount the socket at another path. */
function isInOtherNamespace(socket: string): boolean | undefined {
  if (socket.startsWith('/run/user/')) return undefined
  let table: string
  try {
    table = readFileSync(UNIX_SOCKETS, 'utf8')
  } catch {
    return undefined
  }
  return !table.split('\n').some((line) => {
    // Num RefCount Protocol Flags Type St Inode Path
    const [, , , flags, , , , bound] = line.trim().split(/\s+/)
    return flags === LISTENING && bound && path.basename(bound) === path.basename(socket)
  })
}

function isRemote(host: string): boolean | undefined {
  try {
    const { protocol, hostname } = new URL(host)
    if (!['tcp:', 'http:', 'https:', 'ssh:'].includes(protocol)) return undefined
    return !LOOPBACK.test(hostname)
  } catch {
    return undefined
  }
}
