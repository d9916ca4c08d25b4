/** The two ways in which people use get-port. */
import getPort, { portNumbers } from 'get-port'
import { source } from './surroundings.ts'

/** As in get-port's readme; longer, so that it never runs out. */
export const RANGE = [3000, 3999] as const

export function portFromGetPort(): Promise<number> {
  return source() === 'get-port-range' ? getPort({ port: portNumbers(...RANGE) }) : getPort()
}
