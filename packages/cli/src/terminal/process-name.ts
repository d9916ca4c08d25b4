import { readFileSync } from 'node:fs'
import { truncate } from './format.js'

/** Columns of a command line in a message. */
const MAX_COMMAND_WIDTH = 100

/**
 * `pid 4711 (node server.js)`. The name that a process gives itself is often that of a thread,
 * such as `MainThread`, so its command line is shown.
 */
export function processName(pid: number): string {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim()
    const command = words || readFileSync(`/proc/${pid}/comm`, 'utf8').trim()
    return `pid ${pid} (${truncate(command, MAX_COMMAND_WIDTH)})`
  } catch {
    return `pid ${pid}`
  }
}
