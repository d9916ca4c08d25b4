import getPort, { portNumbers } from 'get-port'
import { source } from './environment.ts'

/** As in get-port's readme, but larger, so that it does not run out. */
export const RANGE = [3000, 3999] as const

export function portFromGetPort(): Promise<number> {
  return source() === 'get-port-range' ? getPort({ port: portNumbers(...RANGE) }) : getPort()
}
