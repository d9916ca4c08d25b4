import net from 'node:net'
import { isOutOfDescriptors } from '../errors.js'

type Answer = 'accepted' | 'refused' | 'none'

/** The kernel answers at once on these addresses. */
export const LOOPBACK = ['127.0.0.1', '::1'] as const

export function connectTo(
  hosts: readonly string[],
  port: number,
  timeoutMs: number,
): Promise<Answer[]> {
  return Promise.all(hosts.map((host) => connect(port, host, timeoutMs)))
}

function connect(port: number, host: string, timeoutMs: number): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host })
    const end = (answer: Answer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => end('none'))
    // A socket connects to itself if the kernel assigns it this same port.
    socket.once('connect', () => end(socket.localPort === port ? 'refused' : 'accepted'))
    socket.once('error', (error) => {
      if (isOutOfDescriptors(error)) reject(error)
      else end('refused')
    })
  })
}
