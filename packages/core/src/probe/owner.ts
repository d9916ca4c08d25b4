import fs from 'node:fs'
import { omitUndefined } from '../platform/omit-undefined.js'
import { openFilesOf } from '../platform/open-files.js'
import { listPids, readProcessText } from '../platform/process-table.js'
import { listeningSockets } from './listening.js'

/** A process that has a socket on a port. */
export interface PortOwner {
  pid: number
  command: string
  cwd?: string
  /** -1 if unknown. */
  uid: number
}

const MAX_COMMAND_LENGTH = 500

/** The processes that listen on a port. Linux only. Only root sees the processes of other users. */
export async function ownersOf(port: number): Promise<PortOwner[]> {
  return (await ownersOfAll([port])).get(port) ?? []
}

export async function ownersOfAll(ports: Iterable<number>): Promise<Map<number, PortOwner[]>> {
  const wanted = new Set(ports)
  const sockets = (await listeningSockets()) ?? []
  return ownersOfFiles(
    new Map(sockets.flatMap(({ port, file }) => (wanted.has(port) ? [[file, port]] : []))),
  )
}

/** @param files maps names in `/proc/<pid>/fd` to keys of the result, such as ports */
export async function ownersOfFiles<T>(
  files: ReadonlyMap<string, T>,
): Promise<Map<T, PortOwner[]>> {
  const owners = new Map<T, PortOwner[]>()
  if (files.size === 0) return owners
  for (const pid of pidsOrNone()) {
    const used = new Set(
      openFilesOf(pid).flatMap((file) => (files.has(file) ? [files.get(file) as T] : [])),
    )
    if (used.size === 0) continue
    const owner = await ownerOf(pid)
    for (const each of used) owners.set(each, [...(owners.get(each) ?? []), owner])
  }
  return owners
}

function pidsOrNone(): number[] {
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
  return omitUndefined({
    pid,
    command: command.replaceAll('\0', ' ').trim().slice(0, MAX_COMMAND_LENGTH),
    cwd,
    uid: stats?.uid ?? -1,
  })
}
