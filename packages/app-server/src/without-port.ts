import { readFileSync } from 'node:fs'
import type { ProcessTree } from '@portslice/process-tree'

/** In characters: enough to recognise a command. */
const MAX_COMMAND_LENGTH = 200

/**
 * Started without `PORT`, as by Turborepo's strict mode or `env -i`: such as `process 4711 (node server.js)`.
 * `undefined` also if environments cannot be read (not Linux, or another user's process).
 */
export async function findProcessWithoutPort(tree: ProcessTree): Promise<string | undefined> {
  for (const { pid } of await tree.processes()) {
    const environment = read(pid, 'environ')
    const command = read(pid, 'cmdline')?.replaceAll('\0', ' ').trim()
    // The process is exiting, or calling exec.
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
