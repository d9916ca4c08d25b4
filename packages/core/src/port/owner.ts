/** Which processes have sockets on a port? For people: what cannot be read is left out. */
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { listeningSockets } from './listening.js'

export interface PortOwner {
  pid: number
  /** With its arguments, separated by spaces. */
  command: string
  /** The folder that it works in; missing where that may not be read. */
  cwd?: string
  /** Its user's number. */
  uid: number
}

/** Enough to recognise a command by. */
const LONGEST_COMMAND = 500

/**
 * The processes that listen on a port, for TCP or UDP. Linux only, and only processes that
 * this user may look into: his own, for root everybody's. Elsewhere an empty list.
 */
export async function ownersOf(port: number): Promise<PortOwner[]> {
  const all = (await listeningSockets()) ?? []
  const sockets = new Set(all.filter((each) => each.port === port).map(({ file }) => file))
  if (sockets.size === 0) return []
  const owners: PortOwner[] = []
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry)) continue
    if (await hasOneOf(entry, sockets)) owners.push(await ownerOf(entry))
  }
  return owners
}

async function hasOneOf(pid: string, sockets: ReadonlySet<string>): Promise<boolean> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const links = await Promise.all(
    files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')),
  )
  return links.some((link) => sockets.has(link))
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
