/**
 * The liveness socket of a slice: a UNIX socket in the lock directory on which the holder listens.
 * The kernel answers for it even when the holder is stopped, and closes it when the holder dies.
 * Path sockets ignore network namespaces, so other containers can ask as well.
 */
import { lstatSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
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

/** Whether a holder can have a liveness socket at this path. Windows has no path sockets that Node can bind. */
export function canHaveLiveness(socketPath: string): boolean {
  return process.platform !== 'win32' && Buffer.byteLength(socketPath) <= LONGEST_SOCKET_PATH
}

/** Asks whether the holder lives. */
export function askLiveness(socketPath: string): Promise<Liveness> {
  if (!canHaveLiveness(socketPath)) return Promise.resolve('missing')
  return new Promise((resolve) => {
    const socket = net.connect(socketPath)
    const answer = (liveness: Liveness) => {
      socket.destroy()
      resolve(liveness)
    }
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => answer('unknown'))
    socket.once('connect', () => answer('accepted'))
    socket.once('error', (error) => answer(ANSWERS[codeOf(error)] ?? 'unknown'))
  })
}

const ANSWERS: Readonly<Record<string, Liveness>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  // The holder's backlog is full: it is stopped, or blocked.
  EAGAIN: 'accepted',
}

/** Listens as long as the slice is held. Keeps no process alive. */
export class LivenessSocket {
  readonly #path: string
  readonly #server: net.Server
  readonly #inode: bigint

  private constructor(socketPath: string, server: net.Server, inode: bigint) {
    this.#path = socketPath
    this.#server = server
    this.#inode = inode
  }

  /**
   * Listens at a path, in place of what a dead holder left there. It listens when this returns:
   * the process may block from the next moment on.
   *
   * @returns `undefined` where there can be no such socket: then the age of the lock decides in
   *   other network namespaces
   */
  static replace(socketPath: string): LivenessSocket | undefined {
    if (!canHaveLiveness(socketPath)) return undefined
    try {
      return LivenessSocket.#listen(socketPath)
    } catch {
      // The socket of a dead holder would say that this one is dead.
      rmSync(socketPath, { force: true })
      return undefined
    }
  }

  /** @throws the system's error when no socket can be made there */
  static #listen(socketPath: string): LivenessSocket {
    // Bound under another name and moved into place: libuv removes the name it has bound when it
    // closes, and by then another holder's socket may be at the path.
    const draft = draftOf(socketPath)
    rmSync(draft, { force: true })
    const server = net.createServer((connection) => connection.destroy())
    let failure: Error | undefined
    server.on('error', (error) => {
      failure = error
    })
    server.listen({ path: draft, exclusive: true }).unref()
    if (!server.listening) {
      server.close()
      throw failure ?? new Error(`no socket can be made at ${draft}`)
    }
    try {
      const { ino } = lstatSync(draft, { bigint: true })
      renameSync(draft, socketPath)
      return new LivenessSocket(socketPath, server, ino)
    } catch (error) {
      server.close()
      throw error
    }
  }

  /** Whether the path still leads to it. */
  isInPlace(): boolean {
    return lstatSync(this.#path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode
  }

  /** Ends it, and removes it from its path. */
  close(): void {
    try {
      if (this.isInPlace()) rmSync(this.#path, { force: true })
    } catch {
      // The lock directory is gone, or cannot be written to: the socket then refuses.
    }
    this.#server.close()
  }
}

/** No longer than the path itself, and of this process alone. */
function draftOf(socketPath: string): string {
  const [, first = ''] = /slice-(\d+)\.sock$/.exec(socketPath) ?? []
  return path.join(path.dirname(socketPath), `${first}.${process.pid.toString(36)}.s`)
}
