/**
 * Who has claimed a port, written down for those who wait for it, and for whoever comes after the
 * claimer's death. The claim itself is a socket: see `claim/`.
 */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type KernelTime, parseKernelTime } from '../platform/kernel-time.js'
import type { ProcessRun } from '../platform/process-run.js'
import { type SliceStart, sliceOf } from './layout.js'
import { hostCode } from './lock.js'
import { ensureLockDirectory } from './lock-directory.js'
import { readOwnFile, writeOwnFile } from './own-file.js'

export interface ClaimNote extends ProcessRun {
  pid: number
  /** Boot and network namespace: see `hostIdentity`. */
  host: string
  cwd: string
  command: string
  /** When it claimed the port, ISO 8601. */
  at: string
  /** When the claimer's death was discovered. */
  died?: KernelTime
}

/** No note of ours is longer. Bytes. */
const LONGEST_NOTE = 32 * 1024

/** The directory of all notes, within the lock directory. */
export function claimDirectory(lockDirectory: string): string {
  return path.join(lockDirectory, 'claims')
}

/** One for each network namespace: in another one the same number is another port. */
function notePath(lockDirectory: string, port: number, host: string): string {
  return path.join(claimDirectory(lockDirectory), `${port}-${hostCode(host)}.json`)
}

/** The port whose note, or draft of one, a file of the claim directory is, if it is one. */
export function portOfClaimNote(fileName: string): number | undefined {
  const match = /^(\d{1,5})-[0-9a-z.]+\.json(?:\.new)?$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

/** The ports that have a note, ascending, whoever wrote it; none where that cannot be read. */
export function claimNotes(lockDirectory: string): number[] {
  try {
    const ports = new Set(readdirSync(claimDirectory(lockDirectory)).map(portOfClaimNote))
    return [...ports].filter((port) => port !== undefined).sort((a, b) => a - b)
  } catch {
    return [] // No process of this user has claimed anything yet.
  }
}

/** As {@link claimNotes}, of one slice. */
export function claimNotesIn(lockDirectory: string, slice: SliceStart): number[] {
  return claimNotes(lockDirectory).filter((port) => sliceOf(port) === slice)
}

/** Call with the port claimed. @throws the system's error */
export function writeClaimNote(lockDirectory: string, port: number, note: ClaimNote): void {
  ensureLockDirectory(lockDirectory)
  mkdirSync(claimDirectory(lockDirectory), { recursive: true, mode: 0o700 })
  writeOwnFile(notePath(lockDirectory, port, note.host), `${JSON.stringify({ v: 1, ...note })}\n`)
}

/** Call with the port still claimed: else it may be the next claimer's. Never throws. */
export function removeClaimNote(lockDirectory: string, port: number, host: string): void {
  try {
    rmSync(notePath(lockDirectory, port, host), { force: true })
  } catch {
    // The directory can no longer be written to. Readers look whether the claim lives.
  }
}

/**
 * What the last claimer of the port in a network namespace has written, which may be dead; read with
 * distrust.
 *
 * @param ownHost of that namespace: see `hostIdentity`
 */
export function readClaimNote(
  lockDirectory: string,
  port: number,
  ownHost: string,
): ClaimNote | undefined {
  try {
    const text = readOwnFile(notePath(lockDirectory, port, ownHost), LONGEST_NOTE)?.text ?? ''
    const note = JSON.parse(text) as Record<string, unknown>
    const { pid, host, cwd, command, at, startedAt, pidNamespace } = note
    const isSound =
      Number.isInteger(pid) && [host, cwd, command, at].every((each) => typeof each === 'string')
    if (!isSound || host !== ownHost) return undefined
    const died = parseKernelTime(note.died)
    return {
      ...({ pid, host, cwd, command, at } as ClaimNote),
      ...(typeof startedAt === 'string' && { startedAt }),
      ...(typeof pidNamespace === 'string' && { pidNamespace }),
      ...(died && { died }),
    }
  } catch {
    return undefined
  }
}
