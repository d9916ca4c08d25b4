/** Three worker threads, each with a server on a port of its own. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { isMainThread, parentPort, threadId, Worker } from 'node:worker_threads'
import { takePort } from '@portslice/core'

if (isMainThread) {
  const threads = Array.from({ length: 3 }, () => new Worker(new URL(import.meta.url)))
  const ports = await Promise.all(threads.map(async (thread) => (await once(thread, 'message'))[0]))
  for (const port of ports) console.log(await (await fetch(`http://127.0.0.1:${port}`)).text())
  await Promise.all(threads.map((thread) => thread.terminate())) // and their ports are free
} else {
  const port = await takePort()
  const server = createServer((_, response) => response.end(`thread ${threadId}`))
  await once(server.listen(port), 'listening')
  parentPort.postMessage(port)
}
