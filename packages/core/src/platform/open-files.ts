import { readdirSync, readlinkSync } from 'node:fs'

/**
 * The files and sockets (`socket:[12345]`) that a process has open; none where that cannot be
 * seen: of another user's process, and elsewhere than on Linux.
 */
export function openFilesOf(pid: number | string): string[] {
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
