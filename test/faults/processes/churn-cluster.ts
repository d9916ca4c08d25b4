/** Workers of a cluster that take ports, and are killed and forked again at random moments. */
import cluster from 'node:cluster'
import { once } from 'node:events'
import { churn } from './churn.ts'
import { takePortsRepeatedly } from './churn-worker.ts'

if (cluster.isPrimary) {
  await churn((plan) => {
    const worker = cluster.fork({ PLAN: JSON.stringify(plan) })
    const exit = once(worker, 'exit')
    const failed = exit.then(([status, signal]) => `It ended with ${signal ?? status}.`)
    const end = async () => {
      worker.process.kill('SIGKILL')
      await exit
    }
    return { failed, end }
  })
} else {
  await takePortsRepeatedly(JSON.parse(process.env.PLAN as string))
}
