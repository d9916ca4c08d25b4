/**
 * Liveness sockets: UNIX sockets on which the holders of slices listen. The kernel answers for a
 * holder that is stopped or blocked, and refuses once it is dead. Path sockets ignore network
 * namespaces, so processes in other containers can ask as well.
 */
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import { codeOf } from '../errors.js'

/** The longest path that fits into `sun_path` with its final NUL, in bytes (unix(7); macOS: unix(4)). */
export const LONGEST_SOCKET_PATH = process.platform === 'linux' ? 107 : 103

/** A path socket answers at once or never, in ms. */
const CONNECT_TIMEOUT_MS = 1000

/**
 * `accepted`: its holder is alive. `refused`: its holder is dead. `missing`: there is none, or no
 * path that a socket can have. `unknown`: it could not be asked.
 */
export type Liveness = 'accepted' | 'refused' | 'missing' | 'unknown'

const ANSWERS: Readonly<Record<string, Liveness>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  // The holder's backlog is full: it is stopped, or blocked.
  EAGAIN: 'accepted',
}

/** Whether a socket can have this path. Windows has no path sockets that Node can bind. */
export function isSocketPath(path: string): boolean {
  return process.platform !== 'win32' && Buffer.byteLength(path) <= LONGEST_SOCKET_PATH
}

/** Asks whether the holder that listens at a path lives. */
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

/** Listens until it is closed. Keeps no process alive. */
export class LivenessSocket {
  readonly #server: net.Server
  readonly #inode: bigint

  private constructor(server: net.Server, inode: bigint) {
    this.#server = server
    this.#inode = inode
  }

  /**
   * Listens at a path, at once: the process may block from the next moment on. The path may be
   * renamed afterwards.
   *
   * @throws the system's error when no socket can be made there
   */
  static listen(path: string): LivenessSocket {
    const server = net.createServer((connection) => connection.destroy())
    let failure: Error | undefined
    server.on('error', (error) => {
      failure = error
    })
    server.listen({ path, exclusive: true }).unref()
    if (!server.listening) throw failure ?? new Error(`no socket can be made at ${path}`)
    return new LivenessSocket(server, lstatSync(path, { bigint: true }).ino)
  }

  /** Whether a path leads to this socket. */
  isAt(path: string): boolean {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode
  }

  /** Makes it reachable at a second path, in place of what is there. @throws the system's error */
  linkTo(path: string, from: string, draft: string): void {
    rmSync(draft, { force: true })
    linkSync(from, draft)
    renameSync(draft, path)
  }

  close(): void {
    this.#server.close()
  }
}
