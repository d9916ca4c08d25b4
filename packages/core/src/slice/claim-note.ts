/** A note tells waiting processes who has claimed a port. The claim itself is a socket. */
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type KernelTime, parseKernelTime } from '../platform/kernel-time.js'
import type { ProcessRun } from '../platform/process-run.js'
import { archiveLine } from './history.js'
import { formatLine, timestamp } from './journal.js'
import { sliceOf } from './layout.js'
import { ensureLockDirectory } from './lock-directory.js'
import { hostCode } from './lock-token.js'
import { readOwnFile, writeOwnFile } from './own-file.js'
import { historyPath } from './slice-paths.js'

export interface ClaimNote extends ProcessRun {
  pid: number
  host: string
  cwd: string
  command: string
  /** When the port was claimed, ISO 8601. */
  at: string
  /** When the claimer exited, or its death was discovered. */
  died?: KernelTime
}

const MAX_NOTE_BYTES = 32 * 1024

export function claimDirectory(lockDirectory: string): string {
  return path.join(lockDirectory, 'claims')
}

/** One note for each network namespace, because a port number means a different port in each. */
function notePath(lockDirectory: string, port: number, host: string): string {
  return path.join(claimDirectory(lockDirectory), `${port}-${hostCode(host)}.json`)
}

export function portOfClaimNote(fileName: string): number | undefined {
  const match = /^(\d{1,5})-[0-9a-z.]+\.json(?:\.new)?$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

/** The ports of all notes, ascending. */
export function claimNotes(lockDirectory: string): number[] {
  try {
    const ports = new Set(readdirSync(claimDirectory(lockDirectory)).map(portOfClaimNote))
    return [...ports].filter((port) => port !== undefined).sort((a, b) => a - b)
  } catch {
    return [] // Usually: no process of this user has claimed a port yet.
  }
}

export function writeClaimNote(lockDirectory: string, port: number, note: ClaimNote): void {
  ensureLockDirectory(lockDirectory)
  mkdirSync(claimDirectory(lockDirectory), { recursive: true, mode: 0o700 })
  writeOwnFile(notePath(lockDirectory, port, note.host), `${JSON.stringify({ v: 1, ...note })}\n`)
}

export function archiveClaim(lockDirectory: string, port: number, note: ClaimNote): void {
  const { pid, cwd, command, at } = note
  const line = formatLine({ event: 'claim', port, pid, cwd, command, at, until: timestamp() })
  archiveLine(historyPath(lockDirectory, sliceOf(port)), line)
}

/** Call only while no other process can claim the port: the note must not be that of a new claimer. Never throws. */
export function removeClaimNote(lockDirectory: string, port: number, host: string): void {
  try {
    rmSync(notePath(lockDirectory, port, host), { force: true })
  } catch {
    // The directory is not writable any more. Readers check whether the claim is alive.
  }
}

export function readClaimNote(
  lockDirectory: string,
  port: number,
  ownHost: string,
): ClaimNote | undefined {
  try {
    const text = readOwnFile(notePath(lockDirectory, port, ownHost), MAX_NOTE_BYTES)?.text ?? ''
    const note = JSON.parse(text) as Record<string, unknown>
    const { pid, host, cwd, command, at, startedAt, pidNamespace } = note
    const isValid =
      Number.isInteger(pid) && [host, cwd, command, at].every((each) => typeof each === 'string')
    if (!isValid || host !== ownHost) return undefined
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
