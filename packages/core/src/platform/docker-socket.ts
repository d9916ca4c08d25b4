/** Can this process start containers of a Docker daemon whose ports are not this namespace's? */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { codeOf } from '../errors.js'

const DEFAULT_SOCKET = '/var/run/docker.sock'
/** The UNIX sockets of this network namespace. A path socket can be reached from others, too. */
const UNIX_SOCKETS = '/proc/net/unix'
/** `__SO_ACCEPTCON`, the flag of a listening socket in that table. */
const LISTENING = '00010000'
const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/

/** A Docker daemon that this process can reach. */
export interface DockerSocket {
  /** `$DOCKER_HOST`, or the path of the socket as such a URL. */
  readonly address: string
  /**
   * Whether the ports that the daemon publishes are likely those of another network namespace,
   * so that sentinels in this one do not protect them; `undefined` if that cannot be told.
   */
  readonly isElsewhere: boolean | undefined
}

/**
 * Looks for a Docker daemon: `$DOCKER_HOST`, else `/var/run/docker.sock`. Connects to nothing.
 *
 * @param env the environment variables to look at
 * @param socket where the socket is unless `$DOCKER_HOST` says otherwise
 * @returns `undefined` if there is none
 */
export function dockerSocket(
  env: Readonly<Record<string, string | undefined>> = process.env,
  socket = DEFAULT_SOCKET,
): DockerSocket | undefined {
  const host = env.DOCKER_HOST
  if (!host) {
    return isSocket(socket)
      ? { address: `unix://${socket}`, isElsewhere: isOfOtherNamespace(socket) }
      : undefined
  }
  if (host.startsWith('unix://')) {
    return { address: host, isElsewhere: isOfOtherNamespace(host.slice('unix://'.length)) }
  }
  return { address: host, isElsewhere: isRemote(host) }
}

/** One that cannot be looked at is there all the same. */
function isSocket(file: string): boolean {
  try {
    return statSync(file).isSocket()
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes(codeOf(error))
  }
}

/**
 * Whether a process in another network namespace listens on the socket. A container sees it under
 * another path than its daemon, so the name of the file has to do. A daemon without root has a
 * network namespace of its own, but publishes in that of its user.
 */
function isOfOtherNamespace(socket: string): boolean | undefined {
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
