import { readdirSync, readlinkSync } from 'node:fs'
import { processTable } from './process-table.js'

/** The files and sockets (`socket:[12345]`) that a process has open; empty if they cannot be read. */
export function openFilesOf(pid: number): string[] {
  if (processTable() !== 'own') return []
  try {
    const directory = `/proc/${pid}/fd`
    return readdirSync(directory).map((name) => linkTarget(`${directory}/${name}`))
  } catch {
    return []
  }
}

function linkTarget(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return '' // Closed in the meantime.
  }
}
