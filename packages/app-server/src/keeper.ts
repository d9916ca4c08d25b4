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

const kept = new Map<string, { tree: ProcessTree; timeout: number }>()

for await (const line of createInterface(process.stdin)) {
  const message = JSON.parse(line) as KeeperMessage
  if ('keep' in message) {
    const { keep, known, timeout } = message
    // Made at once: where processes cannot be listed, it has to see when a number is free for others.
    kept.set(keep, { tree: new ProcessTree(keep, known), timeout })
  } else {
    kept.delete(message.forget)
  }
}

await Promise.all([...kept.values()].map(({ tree, timeout }) => tree.end({ timeout })))
process.exit()
