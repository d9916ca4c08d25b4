/** Which process listens on a port? Asked of the kernel's tables, so on Linux only. */
import { type Dirent, readFileSync } from 'node:fs'
import { readdir, readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import { type Listener, listeners } from './listening.js'

/** Who listens on a port, as far as this user may know. */
export interface PortOwner {
  port: number
  protocol: 'tcp' | 'udp'
  /** Missing where the process is another user's, or in another container. */
  pid?: number
  /** The command line, as the process shows it: neutralise control characters before you print it. */
  command?: string
  uid: number
  /** The name of the user; the uid where it has none here. */
  user: string
}

/** Enough to recognise a command by. */
const LONGEST_COMMAND = 500

/**
 * Who listens on a port of this network namespace, on whatever address.
 *
 * @returns `undefined` where there is no /proc/net
 * @example
 * const [owner] = (await ownersOf(5432)) ?? [] // { port: 5432, pid: 812, command: 'postgres', … }
 */
export async function ownersOf(port: number): Promise<PortOwner[] | undefined> {
  const owners = await ownersOfAll([port])
  return owners && (owners.get(port) ?? [])
}

/** As {@link ownersOf}, for many ports with one look at all processes. */
export async function ownersOfAll(
  ports: Iterable<number>,
): Promise<Map<number, PortOwner[]> | undefined> {
  const wanted = new Set(ports)
  const sockets = (await listeners())?.filter(({ port }) => wanted.has(port))
  if (!sockets) return undefined
  const pids = await pidsBySocket(new Set(sockets.map(({ inode }) => inode)))
  const names = userNames()
  const owners = new Map<number, PortOwner[]>()
  for (const socket of sockets) {
    const holders = pids.get(socket.inode) ?? [undefined]
    for (const pid of holders) {
      const owner = await ownerFrom(socket, pid, names)
      const known = owners.get(socket.port) ?? []
      // One process often listens on several addresses.
      const isKnown = known.some(
        ({ pid, protocol, uid }) =>
          pid === owner.pid && protocol === owner.protocol && uid === owner.uid,
      )
      if (!isKnown) owners.set(socket.port, [...known, owner])
    }
  }
  return owners
}

async function ownerFrom(
  { port, protocol, uid }: Listener,
  pid: number | undefined,
  names: ReadonlyMap<number, string>,
): Promise<PortOwner> {
  const user = names.get(uid) ?? String(uid)
  if (pid === undefined) return { port, protocol, uid, user }
  const command = await commandOf(pid)
  return { port, protocol, pid, ...(command && { command }), uid, user }
}

/** The processes that have one of these sockets open, by its inode; those that may be looked into. */
async function pidsBySocket(inodes: ReadonlySet<number>): Promise<Map<number, number[]>> {
  const found = new Map<number, number[]>()
  if (inodes.size === 0) return found
  const processes = await readdir('/proc', { withFileTypes: true }).catch((): Dirent[] => [])
  for (const { name } of processes) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    for (const inode of await socketsOf(pid)) {
      if (inodes.has(inode)) found.set(inode, [...(found.get(inode) ?? []), pid])
    }
  }
  return found
}

async function socketsOf(pid: number): Promise<Set<number>> {
  const folder = `/proc/${pid}/fd`
  // It may be another user's, or have ended.
  const descriptors = await readdir(folder).catch(() => [])
  const targets = await Promise.all(
    descriptors.map((descriptor) => readlink(path.join(folder, descriptor)).catch(() => '')),
  )
  return new Set(
    targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []).map(Number),
  )
}

async function commandOf(pid: number): Promise<string | undefined> {
  const text = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
  return text.replaceAll('\0', ' ').trim().slice(0, LONGEST_COMMAND) || undefined
}

function userNames(): Map<number, string> {
  let text = ''
  try {
    text = readFileSync('/etc/passwd', 'utf8')
  } catch {
    // Then users are shown by their numbers.
  }
  const rows = text.split('\n').map((line) => line.split(':'))
  return new Map(rows.flatMap(([name, , uid]) => (name && uid ? [[Number(uid), name]] : [])))
}
