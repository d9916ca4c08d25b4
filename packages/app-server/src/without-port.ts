/** Did a command pass $PORT on to what it runs? Turborepo's strict mode and `env -i` do not. */
import { readFileSync } from 'node:fs'
import type { ProcessTree } from '@portslice/process-tree'

/** Enough to recognise a command by, in characters. */
const MAX_COMMAND_LENGTH = 200

/**
 * A process of the tree whose environment has no `PORT`, as `process 4711 (node server.js)`.
 * `undefined` where all have it, and where no environment can be read: not Linux, or another user's.
 */
export async function processWithoutPort(tree: ProcessTree): Promise<string | undefined> {
  for (const { pid } of await tree.processes()) {
    const environment = read(pid, 'environ')
    const command = read(pid, 'cmdline')?.replaceAll('\0', ' ').trim()
    // Neither: it ends, or is about to become another program.
    if (environment === undefined || !command) continue
    if (`\0${environment}`.includes('\0PORT=')) continue
    return `process ${pid} (${command.slice(0, MAX_COMMAND_LENGTH)})`
  }
  return undefined
}

function read(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}
