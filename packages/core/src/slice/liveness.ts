/** The kernel accepts connections for a stopped or blocked holder, in any network namespace, until it dies. */
import { linkSync, lstatSync, renameSync, rmSync } from 'node:fs'
import net from 'node:net'
import { codeOf } from '../errors.js'
import { system } from '../platform/system.js'

const CONNECT_TIMEOUT_MS = 1000

/** `accepted`: the holder is alive. `refused`: it is dead. `missing`: there is no socket. */
export type Liveness = 'accepted' | 'refused' | 'missing' | 'unknown'

const ANSWERS: Readonly<Record<string, Liveness>> = {
  ECONNREFUSED: 'refused',
  ENOENT: 'missing',
  ENOTDIR: 'missing',
  // The backlog is full, because the holder is stopped or blocked.
  EAGAIN: 'accepted',
}

export function isSocketPath(path: string): boolean {
  return Buffer.byteLength(path) <= system.maxSocketPathBytes
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

export class LivenessSocket {
  readonly #server: net.Server
  readonly #inode: bigint

  private constructor(server: net.Server, inode: bigint) {
    this.#server = server
    this.#inode = inode
  }

  /** Synchronous, because the process may block right afterwards. The path may be renamed later. */
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

  isAt(path: string): boolean {
    return lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino === this.#inode
  }

  close(): void {
    this.#server.close()
  }
}

/** Replaces the file at `path` by a hard link to the socket. */
export function linkSocket(socket: string, path: string, draft: string): void {
  rmSync(draft, { force: true })
  linkSync(socket, draft)
  renameSync(draft, path)
}
