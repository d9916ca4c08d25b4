/** The names of a slice's files in the lock directory. */
import path from 'node:path'
import type { SliceStart } from './layout.js'

/** `proper-lockfile` locks this path by creating a directory with `.lock` appended. */
export function lockedPath(directory: string, slice: SliceStart): string {
  return path.join(directory, `slice-${slice}`)
}

export function lockPath(directory: string, slice: SliceStart): string {
  return `${lockedPath(directory, slice)}.lock`
}

export function journalPath(directory: string, slice: SliceStart): string {
  return `${lockedPath(directory, slice)}.ndjson`
}

export function historyPath(directory: string, slice: SliceStart): string {
  return `${lockedPath(directory, slice)}.history`
}

export function livenessPath(directory: string, slice: SliceStart): string {
  return `${lockedPath(directory, slice)}.sock`
}

export function sliceOfJournal(fileName: string): SliceStart | undefined {
  const match = /^slice-(\d{1,5})\.ndjson$/.exec(fileName)
  return match ? Number(match[1]) : undefined
}

export function sliceOfFile(fileName: string): SliceStart | undefined {
  const [, slice, draft] =
    /^(?:slice-(\d{1,5})\.(?:ndjson|ndjson\.new|history|history\.1|sock|lock)|(\d{1,5})\.[0-9a-z-]+\.(?:new|old))$/.exec(
      fileName,
    ) ?? []
  const first = slice ?? draft
  return first === undefined ? undefined : Number(first)
}
