/** Who has claimed a port, written down for those who wait for it. It decides nothing. */
import { rmSync } from 'node:fs'
import path from 'node:path'
import { ensureLockDirectory } from '../../slice/lock-directory.js'
import { readOwnFile, writeOwnFile } from '../../slice/own-file.js'

export interface ClaimNote {
  pid: number
  /** Boot and network namespace: see `hostIdentity`. */
  host: string
  cwd: string
  command: string
  /** When it claimed the port, ISO 8601. */
  at: string
}

/** No note of ours is longer. Bytes. */
const LONGEST = 32 * 1024

function notePath(folder: string, port: number): string {
  return path.join(folder, `claim-${port}.json`)
}

/** The port whose note, or draft of one, a file of the lock directory is, if it is one. */
export function portOfNote(fileName: string): number | undefined {
  const match = /^claim-(\d{1,5})\.json(?:\.new)?$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

/** Call with the port claimed. */
export function writeNote(folder: string, port: number, note: ClaimNote): void {
  ensureLockDirectory(folder)
  writeOwnFile(notePath(folder, port), `${JSON.stringify({ v: 1, ...note })}\n`)
}

/** Call with the port still claimed: else it may be the next one's. Never throws. */
export function removeNote(folder: string, port: number): void {
  try {
    rmSync(notePath(folder, port), { force: true })
  } catch {
    // The folder can no longer be written to. Readers look whether the process lives.
  }
}

/** What the last one to claim the port has written, who may be dead; read with distrust. */
export function readNote(folder: string, port: number): ClaimNote | undefined {
  try {
    const note: unknown = JSON.parse(readOwnFile(notePath(folder, port), LONGEST)?.text ?? '')
    const { pid, host, cwd, command, at } = note as Record<string, unknown>
    const isSound =
      Number.isInteger(pid) && [host, cwd, command, at].every((text) => typeof text === 'string')
    return isSound ? ({ pid, host, cwd, command, at } as ClaimNote) : undefined
  } catch {
    return undefined
  }
}
