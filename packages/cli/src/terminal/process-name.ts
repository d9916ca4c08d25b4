import path from 'node:path'
import { readProcessText } from '@portslice/core/internal/inspect'
import { sanitize } from './format.js'

const MAX_COMMAND_LENGTH = 120
const BEGINNING_LENGTH = 40

/**
 * `pid 4711 (node server.js)`. Uses the command line, because the name of a process is often that of a thread,
 * such as `MainThread`.
 */
export function processName(pid: number): string {
  const [program = '', ...args] = readProcessText(pid, 'cmdline')?.split('\0') ?? []
  const name = path.isAbsolute(program) ? path.basename(program) : program
  const words = [name, ...args].join(' ').trim() || readProcessText(pid, 'comm')?.trim()
  return words ? `pid ${pid} (${sanitize(abbreviate(words))})` : `pid ${pid}`
}

function abbreviate(command: string): string {
  if (command.length <= MAX_COMMAND_LENGTH) return command
  const end = command.slice(BEGINNING_LENGTH + 1 - MAX_COMMAND_LENGTH)
  return `${command.slice(0, BEGINNING_LENGTH)}…${end}`
}
