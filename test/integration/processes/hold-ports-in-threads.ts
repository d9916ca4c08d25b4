/** Four threads take a port each; SIGUSR2 terminates them all. */
import { once } from 'node:events'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { takePort } from '@portslice/core'

if (isMainThread) {
  const workers = Array.from({ length: 4 }, () => new Worker(new URL(import.meta.url)))
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
  process.once('SIGUSR2', async () => {
    await Promise.all(workers.map((worker) => worker.terminate()))
    console.log('terminated')
  })
  console.log(JSON.stringify({ ports }))
  setInterval(() => {}, 60_000)
} else {
  parentPort?.postMessage(await takePort())
  setInterval(() => {}, 60_000)
}
