/** The load of each worker of `churn.ts`, until something ends it. */
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AllocatorOptions, createAllocator } from '@portslice/core'
import { Recorder } from '../../support/intervals.ts'

export interface ChurnWorkerPlan {
  options: AllocatorOptions
  /** The file to which this worker writes when it had which port. */
  notes: string
}

/** Takes one port after the other, serves on most of them, and gives each back after a moment. */
export async function takePortsRepeatedly({ options, notes }: ChurnWorkerPlan): Promise<never> {
  const recorder = new Recorder(notes)
  for (;;) {
    const allocator = await createAllocator(options)
    for (let turn = 0; turn < 10; turn++) {
      const lease = await allocator.take()
      const recordRelease = recorder.recordTake(lease.port)
      await sleep(Math.random() * 8)
      if (Math.random() < 0.8) await serve(lease.port)
      await sleep(Math.random() * 8)
      recordRelease()
      await lease.release()
    }
    await allocator.close()
  }
}

function serve(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen({ port, exclusive: true }, () => server.close(() => resolve()))
  })
}
