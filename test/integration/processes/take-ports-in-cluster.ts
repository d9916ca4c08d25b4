/** Four workers of a cluster take five ports each and listen on them, and print them. */
import cluster from 'node:cluster'
import { once } from 'node:events'
import net from 'node:net'
import { takePort } from '@portslice/core'

if (cluster.isPrimary) {
  for (let i = 0; i < 4; i++) cluster.fork()
  // All ports are out at the same time: no worker leaves before all have theirs.
  let waiting = 4
  cluster.on('message', () => {
    if (--waiting === 0)
      for (const worker of Object.values(cluster.workers ?? {})) worker?.send('leave')
  })
} else {
  const ports = []
  for (let i = 0; i < 5; i++) {
    const port = await takePort()
    const server = net.createServer().listen({ port, exclusive: true })
    await once(server, 'listening')
    ports.push(port)
  }
  console.log(JSON.stringify(ports))
  process.send?.('ready')
  await once(process, 'message')
  process.exit()
}
