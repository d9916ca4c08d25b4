import { readdirSync, rmdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { hostIdentity } from '../platform/host.js'
import { holdUdpPort } from '../probe/hold-udp-port.js'
import {
  claimDirectory,
  claimNotes,
  portOfClaimNote,
  readClaimNote,
  writeClaimNote,
} from '../slice/claim-note.js'
import { hostCode } from '../slice/lock-token.js'
import { quarantineSince } from '../slice/slice-record.js'
import { isRecent, type Leftover, quarantineReason } from './leftover.js'

export async function removeClaimLeftovers(
  lockDirectory: string,
  dryRun: boolean,
): Promise<Leftover[]> {
  const found: Leftover[] = []
  for (const port of claimNotes(lockDirectory)) {
    const leftover = await removeNotes(lockDirectory, port, dryRun)
    if (leftover) found.push(leftover)
  }
  if (!dryRun) removeIfEmpty(claimDirectory(lockDirectory))
  return found
}

/** Holds the port meanwhile, so that no new claimer can write a note. */
async function removeNotes(
  lockDirectory: string,
  port: number,
  dryRun: boolean,
): Promise<Leftover | undefined> {
  const socket = await holdUdpPort(port).catch(() => undefined)
  try {
    const directory = claimDirectory(lockDirectory)
    const names = readdirSync(directory).filter((name) => portOfClaimNote(name) === port)
    if (names.length === 0) return undefined
    const files = names.map((name) => path.join(path.basename(directory), name))
    const leftover = { first: port, last: port, files }
    if (!socket) return { ...leftover, kept: 'held' }
    if (files.some((name) => !isOwnNote(name) && isRecent(path.join(lockDirectory, name)))) {
      return { ...leftover, kept: 'elsewhere' }
    }
    const note = readClaimNote(lockDirectory, port, hostIdentity())
    const { died, leftMs } = quarantineSince(note?.died)
    if (note && leftMs > 0) {
      const isNew = died !== note.died
      if (isNew && !dryRun) writeClaimNote(lockDirectory, port, { ...note, died })
      return { ...leftover, ...quarantineReason(leftMs) }
    }
    if (!dryRun) for (const name of files) rmSync(path.join(lockDirectory, name), { force: true })
    return leftover
  } finally {
    await socket?.close()
  }
}

function isOwnNote(name: string): boolean {
  return name.includes(`-${hostCode(hostIdentity())}.json`)
}

function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch {
    // It contains notes, or does not exist.
  }
}
