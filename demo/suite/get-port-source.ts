import getPort, { portNumbers } from 'get-port'
import { source } from './environment.ts'

/** Like the range in get-port's readme, but with enough ports for all tests. */
export const RANGE = [3000, 3999] as const

export function portFromGetPort(): Promise<number> {
  return source() === 'get-port-range' ? getPort({ port: portNumbers(...RANGE) }) : getPort()
}
