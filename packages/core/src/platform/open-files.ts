import { readdirSync, readlinkSync } from 'node:fs'
import { processTable } from './process-table.js'

/**
 * The files and sockets (`socket:[12345]`) that a process has open; none where that cannot be
 * seen: of another user's process, without a table of processes, and elsewhere than on Linux.
 */
export function openFilesOf(pid: number): string[] {
  if (processTable() !== 'own') return []
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).map((name) => linkTarget(`${folder}/${name}`))
  } catch {
    return []
  }
}

/** It may have been closed meanwhile. */
function linkTarget(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}
