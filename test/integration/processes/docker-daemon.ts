/**
 * Stands in for a Docker daemon: binds the ports to publish that it reads, one a line, in its own
 * network namespace, and answers each with whether it could. Listens on the path of the first argument.
 */
import { once } from 'node:events'
import net from 'node:net'
import { createInterface } from 'node:readline'

const daemon = net.createServer(async (client) => {
  for await (const line of createInterface(client)) {
    const published = net.createServer().listen(Number(line), '0.0.0.0')
    const isPublished = await once(published, 'listening').then(
      () => true,
      () => false,
    )
    client.write(`${JSON.stringify({ port: Number(line), isPublished })}\n`)
  }
})
daemon.listen(process.argv[2])
await once(daemon, 'listening')
console.log('listening')
