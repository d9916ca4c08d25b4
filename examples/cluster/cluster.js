/** Three workers of a cluster, each with a server on a port of its own. */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { listen } from '@portslice/core'

if (cluster.isPrimary) {
  const workers = Array.from({ length: 3 }, () => cluster.fork())
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
  for (const port of ports) console.log(await (await fetch(`http://127.0.0.1:${port}`)).text())
  cluster.disconnect()
} else {
  const server = createServer((_, response) => response.end(`worker ${cluster.worker.id}`))
  const { port } = await listen(server)
  process.send(port)
}
