/** Threads that take ports, and are terminated and replaced at random moments. See `churn.ts`. */
import { once } from 'node:events'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { churn } from './churn.ts'
import { takePortsRepeatedly } from './churn-worker.ts'

if (isMainThread) {
  await churn((plan) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: plan })
    const failed = once(worker, 'error').then(([error]) => error)
    return { failed, end: async () => void (await worker.terminate()) }
  })
} else {
  await takePortsRepeatedly(workerData)
}
