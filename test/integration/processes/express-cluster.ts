/**
 * An Express app in a cluster of eight. `net`: each worker accepts connections with
 * @portslice/core/net; `listen`: each worker's http server is given to `listen`. The primary
 * asks each worker's port who answers, and prints it.
 */
import cluster from 'node:cluster'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { listen } from '@portslice/core'
import net from '@portslice/core/net'
import express from 'express'

const WORKERS = 8

if (cluster.isPrimary) {
  const ports = new Map<number, number>()
  for (let i = 0; i < WORKERS; i++) cluster.fork()
  cluster.on('message', async (worker, port: number) => {
    ports.set(worker.process.pid as number, port)
    if (ports.size < WORKERS) return
    const answers = []
    for (const [pid, each] of ports) {
      const response = await fetch(`http://127.0.0.1:${each}/who`)
      answers.push({ pid, port: each, answer: await response.json() })
    }
    console.log(JSON.stringify(answers))
    process.exit() // The workers end with it.
  })
} else {
  const app = express()
  app.get('/who', (_, response) => {
    response.json(process.pid)
  })
  const web = http.createServer(app)
  if (process.argv[2] === 'listen') {
    process.send?.((await listen(web)).port)
  } else {
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      web.emit('connection', socket)
    })
    server.listen(0, () => process.send?.((server.address() as AddressInfo).port))
  }
}
