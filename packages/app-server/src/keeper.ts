/**
 * The keeper: a process beside a worker, that outlives it by a few seconds and ends the apps that
 * it has left. It is told what there is through its stdin, which the kernel closes when the
 * worker dies, however it dies.
 */
import { createInterface } from 'node:readline'
import { ProcessTree } from '@portslice/core/process-tree'
import type { KeeperMessage } from './kept-trees.js'

// Whoever ends the worker may end its whole group, session or tree: then there is work to do.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {})

const kept = new Map<string, Extract<KeeperMessage, { keep: string }>>()

for await (const line of createInterface(process.stdin)) {
  const message = JSON.parse(line) as KeeperMessage
  if ('keep' in message) kept.set(message.keep, message)
  else kept.delete(message.forget)
}

await Promise.all(
  [...kept.values()].map(({ keep, known, timeout }) =>
    new ProcessTree(keep, known).end({ timeout }),
  ),
)
process.exit()
