import net from 'node:net'
import { codeOf } from '@portslice/core/internal/inspect'

/**
 * @returns `self` if the kernel chose this same port as the local one, so that the socket connected
 * to itself; otherwise the system's error code
 */
export function tryToConnect(
  port: number,
  host: string,
  timeoutMs: number,
): Promise<'connected' | 'self' | 'timeout' | (string & {})> {
  return new Promise((resolve) => {
    const socket = net.connect({ port, host })
    const finish = (result: string) => {
      socket.destroy()
      resolve(result)
    }
    socket.setTimeout(timeoutMs, () => finish('timeout'))
    socket.once('connect', () => finish(socket.localPort === port ? 'self' : 'connected'))
    socket.once('error', (error) => finish(codeOf(error)))
  })
}
