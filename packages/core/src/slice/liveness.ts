/**
 * UNIX sockets on which the holders of slices listen. The kernel accepts connections while the
 * holder is stopped or blocked, and refuses them once it is dead. Path sockets ignore network
 * namespaces, so processes in other containers can connect too.
 */
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import { codeOf } from '../errors.js'

/** The size of `sun_path` without the final NUL (unix(7); macOS: unix(4)). */
export const MAX_SOCKET_PATH_BYTES = process.platform === 'linux' ? 107 : 103

const CONNECT_TIMEOUT_MS = 1000

/**
 * `accepted`: the holder is alive. `refused`: the holder is dead. `missing`: there is no socket, or
 * the path is too long for one. `unknown`: any other error, or no answer.
 */
export type Liveness = 'accepted' | 'refused' | 'missing' | 'unknown'

const ANSWERS: Readonly<Record<string, Liveness>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  // The backlog is full, because the holder is stopped or blocked.
  EAGAIN: 'accepted',
}

/** Whether a socket can have this path. On Windows, Node cannot bind path sockets. */
export function isSocketPath(path: string): boolean {
  return process.platform !== 'win32' && Buffer.byteLength(path) <= MAX_SOCKET_PATH_BYTES
}

export function askLiveness(path: string): Promise<Liveness> {
  if (!isSocketPath(path)) return Promise.resolve('missing')
  return new Promise((resolve) => {
    const socket = net.connect(path)
    const answer = (liveness: Liveness) => {
      socket.destroy()
      resolve(liveness)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer('unknown'))
    socket.once('connect', () => answer('accepted'))
    socket.once('error', (error) => answer(ANSWERS[codeOf(error)] ?? 'unknown'))
  })
}

/** Listens until it is closed. Does not keep the process alive. */
export class LivenessSocket {
  readonly #server: net.Server
  readonly #inode: bigint

  private constructor(server: net.Server, inode: bigint) {
    this.#server = server
    this.#inode = inode
  }

  /**
   * Listens synchronously, because the process may block right afterwards. The path may be renamed
   * later.
   *
   * @throws the system error if no socket can be created there
   */
  static listen(path: string): LivenessSocket {
    const server = net.createServer((connection) => connection.destroy())
    let failure: Error | undefined
    server.on('error', (error) => {
      failure = error
    })
    server.listen({ path, exclusive: true }).unref()
    if (!server.listening) throw failure ?? new Error(`no socket can be created at ${path}`)
    return new LivenessSocket(server, lstatSync(path, { bigint: true }).ino)
  }

  /** Whether a path leads to this socket. */
  isAt(path: string): boolean {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode
  }

  /** Replaces `path` with a hard link to the socket at `from`. @throws the system error */
  linkTo(path: string, from: string, draft: string): void {
    rmSync(draft, { force: true })
    linkSync(from, draft)
    renameSync(draft, path)
  }

  close(): void {
    this.#server.close()
  }
}
