import { inspect, LAST_PORT } from '@portslice/core/internal/inspect'
import { usageError } from './usage-error.js'

/** Whether an argument is meant as a port or a list of ports; `7z` is a command. */
export function looksLikePorts(text: string): boolean {
  return /^\d+(,|$)/.test(text)
}

export function parsePortList(text: string, example: string): number[] {
  const ports = text.split(',').map((part) => (/^\d{1,5}$/.test(part.trim()) ? Number(part) : 0))
  const wrong = ports.findIndex((port) => port < 1 || port > LAST_PORT)
  if (wrong === -1) return ports
  throw usageError(
    `${inspect(text.split(',')[wrong])} is not a port.`,
    `Give a port from 1 to ${LAST_PORT}, or several with commas between them: ${example}`,
    text,
  )
}

export function parsePort(text: string, example: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port >= 1 && port <= LAST_PORT) return port
  throw usageError(
    `${inspect(text)} is not a port.`,
    `Give a port from 1 to ${LAST_PORT}: ${example}`,
    text,
  )
}

export function rejectDuplicates(lists: readonly (readonly number[])[]): void {
  const ports = lists.flat()
  const twice = ports.find((port, index) => ports.indexOf(port) !== index)
  if (twice === undefined) return
  throw usageError(`Port ${twice} is named more than once.`, 'Name each port once.', twice)
}
