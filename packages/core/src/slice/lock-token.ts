/** A token is the only file in a lock, if possible a liveness socket. Its name consists of host, pid and time. */
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { hrtime } from '../platform/clock.js'
import { hash, LAST_PORT } from './layout.js'
import { isSocketPath, LivenessSocket } from './liveness.js'

const TOKEN = /^([sf])-([0-9a-z]+\.[0-9a-z]*)-[0-9a-z]+-[0-9a-z]+$/

export function isToken(fileName: string): boolean {
  return TOKEN.test(fileName)
}

export function parseToken(token: string): { hasSocket: boolean; hostCode: string } {
  const [, kind, hostCode = ''] = TOKEN.exec(token) ?? []
  return { hasSocket: kind === 's', hostCode }
}

export interface NewToken {
  readonly token: string
  readonly liveness?: LivenessSocket
}

/** Creates the token in `draft`, which will be renamed to `lock`. */
export function createToken(draft: string, lock: string, host: string): NewToken {
  const name = `${hostCode(host)}-${uniqueName()}`
  const [socket, file] = [`s-${name}`, `f-${name}`]
  if (isSocketPath(path.join(lock, socket)) && isSocketPath(path.join(draft, socket))) {
    try {
      return { token: socket, liveness: LivenessSocket.listen(path.join(draft, socket)) }
    } catch {
      // A file system without sockets: other network namespaces then use the time rule.
      rmSync(path.join(draft, socket), { force: true })
    }
  }
  writeFileSync(path.join(draft, file), '', { mode: 0o600 })
  return { token: file }
}

export function draftPath(directory: string, slice: number, extension: 'new' | 'old'): string {
  return path.join(directory, `${slice}.${uniqueName()}.${extension}`)
}

/** False if the paths of the sockets would be too long. */
export function canHaveLivenessSockets(directory: string, host: string): boolean {
  const draft = draftPath(directory, LAST_PORT, 'new')
  return isSocketPath(path.join(draft, `s-${hostCode(host)}-${uniqueName()}`))
}

export function hostCode(host: string): string {
  const slash = host.lastIndexOf('/')
  const [boot, network] = [host.slice(0, slash), host.slice(slash + 1)]
  const [, number] = /^net:\[(\d+)\]$/.exec(network) ?? []
  return `${hash(boot).toString(36)}.${Number(number ?? hash(network)).toString(36)}`
}

export function isSameBoot(one: string, other: string): boolean {
  return one.split('.')[0] === other.split('.')[0]
}

let nameCount = 0

function uniqueName(): string {
  const moment = (hrtime.bigint() * 64n + BigInt(nameCount++ % 64)).toString(36)
  return `${process.pid.toString(36)}-${moment}`
}
