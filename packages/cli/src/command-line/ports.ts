import { inspect, LAST_PORT } from '@portslice/core/internal/inspect'
import { usageError } from './usage-error.js'

/** Whether an argument is a port or a list of ports. `7z` is a command. */
export function looksLikePorts(text: string): boolean {
  return /^\d+(,|$)/.test(text)
}

/** @returns `undefined` if the text is not a port */
export function portFromText(text: string): number | undefined {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0
  return port >= 1 && port <= LAST_PORT ? port : undefined
}

export function parsePortList(text: string, example: string): number[] {
  const parts = text.split(',')
  const ports = parts.map((part) => portFromText(part.trim()))
  const wrong = ports.indexOf(undefined)
  if (wrong === -1) return ports as number[]
  throw usageError(
    `${inspect(parts[wrong])} is not a port.`,
    `Give a port from 1 to ${LAST_PORT}, or several with commas between them: ${example}`,
    text,
  )
}

export function parsePort(text: string, example: string): number {
  const port = portFromText(text)
  if (port !== undefined) return port
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
