/** Which processes have sockets on a port? For people: what cannot be read is left out. */
import fs from 'node:fs'
import { openFilesOf } from '../platform/open-files.js'
import { listPids, readProcessText } from '../platform/process-table.js'
import { listeningSockets } from './listening.js'

/** A process that listens on a port. */
export interface PortOwner {
  /** Its number. */
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
 * this user may look into: its own, for root all. Elsewhere an empty list, and also where /proc
 * belongs to another PID namespace.
 *
 * @param port 1 to 65535
 */
export async function ownersOf(port: number): Promise<PortOwner[]> {
  return (await ownersOfAll([port])).get(port) ?? []
}

/**
 * As {@link ownersOf}, for many ports with one look at all processes; ports without owners are left out.
 *
 * @param ports each 1 to 65535
 */
export async function ownersOfAll(ports: Iterable<number>): Promise<Map<number, PortOwner[]>> {
  const wanted = new Set(ports)
  const sockets = (await listeningSockets()) ?? []
  return ownersOfFiles(
    new Map(sockets.flatMap(({ port, file }) => (wanted.has(port) ? [[file, port]] : []))),
  )
}

/**
 * Who has sockets open. Each process is told once for each value.
 *
 * @param files each with what it stands for, such as its port
 */
export async function ownersOfFiles<T>(
  files: ReadonlyMap<string, T>,
): Promise<Map<T, PortOwner[]>> {
  const owners = new Map<T, PortOwner[]>()
  if (files.size === 0) return owners
  for (const pid of numbersOrNone()) {
    const used = new Set(
      openFilesOf(pid).flatMap((file) => (files.has(file) ? [files.get(file) as T] : [])),
    )
    if (used.size === 0) continue
    const owner = await ownerOf(pid)
    for (const each of used) owners.set(each, [...(owners.get(each) ?? []), owner])
  }
  return owners
}

function numbersOrNone(): number[] {
  try {
    return listPids()
  } catch {
    return [] // No more files can be opened.
  }
}

async function ownerOf(pid: number): Promise<PortOwner> {
  const command = readProcessText(pid, 'cmdline') ?? ''
  const [cwd, stats] = await Promise.all([
    fs.promises.readlink(`/proc/${pid}/cwd`).catch(() => undefined),
    fs.promises.stat(`/proc/${pid}`).catch(() => undefined),
  ])
  return {
    pid,
    command: command.replaceAll('\0', ' ').trim().slice(0, LONGEST_COMMAND),
    ...(cwd !== undefined && { cwd }),
    uid: stats?.uid ?? -1,
  }
}
