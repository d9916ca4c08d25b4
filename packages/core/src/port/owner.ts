/** Which processes have sockets on a port? For people: what cannot be read is left out. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'

export interface PortOwner {
  pid: number
  /** With its arguments, separated by spaces. */
  command: string
  /** The folder that it works in; missing where that may not be read. */
  cwd?: string
  /** Its user's number. */
  uid: number
}

const TABLES = ['tcp', 'tcp6', 'udp', 'udp6']
/** `sl: address:PORT remote STATE … uid timeout INODE`, see proc_net_tcp(5). */
const ROW = /^\s*\d+: [0-9A-F]+:([0-9A-F]{4}) \S+ ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d+)/
/** LISTEN, and an unconnected UDP socket. */
const WAITING = new Set(['0A', '07'])
/** Enough to recognise a command by. */
const LONGEST_COMMAND = 500

/**
 * The processes that listen on a port, for TCP or UDP. Linux only, and only processes that
 * this user may look into: his own, for root everybody's. Elsewhere an empty list.
 */
export async function ownersOf(port: number): Promise<PortOwner[]> {
  return (await ownersOfAll([port])).get(port) ?? []
}

/** As {@link ownersOf}, for many ports with one look at all processes; ports without owners are left out. */
export async function ownersOfAll(ports: Iterable<number>): Promise<Map<number, PortOwner[]>> {
  const owners = new Map<number, PortOwner[]>()
  const sockets = await socketsOn(new Set(ports))
  if (sockets.size === 0) return owners
  for (const entry of await readdir('/proc').catch(() => [])) {
    const used = /^\d+$/.test(entry) ? await portsUsedBy(entry, sockets) : []
    if (used.length === 0) continue
    const owner = await ownerOf(entry)
    for (const port of used) owners.set(port, [...(owners.get(port) ?? []), owner])
  }
  return owners
}

/** The ports of sockets, by their names as /proc/PID/fd shows them: `socket:[INODE]`. */
async function socketsOn(ports: ReadonlySet<number>): Promise<Map<string, number>> {
  const texts = await Promise.all(
    TABLES.map((table) => readFile(`/proc/net/${table}`, 'latin1').catch(() => '')),
  )
  const sockets = new Map<string, number>()
  for (const line of texts.join('\n').split('\n')) {
    const [, hex, state, inode] = ROW.exec(line) ?? []
    const port = hex === undefined ? Number.NaN : Number.parseInt(hex, 16)
    if (ports.has(port) && state && WAITING.has(state)) sockets.set(`socket:[${inode}]`, port)
  }
  return sockets
}

async function portsUsedBy(pid: string, sockets: ReadonlyMap<string, number>): Promise<number[]> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(
    files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
  )
  return [...new Set(links.flatMap((link) => sockets.get(link) ?? []))]
}

async function ownerOf(pid: string): Promise<PortOwner> {
  const [command, cwd, stats] = await Promise.all([
    readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => ''),
    readlink(`/proc/${pid}/cwd`).catch(() => undefined),
    stat(`/proc/${pid}`).catch(() => undefined),
  ])
  return {
    pid: Number(pid),
    command: command.replaceAll('\0', ' ').trim().slice(0, LONGEST_COMMAND),
    ...(cwd !== undefined && { cwd }),
    uid: stats?.uid ?? -1,
  }
}
