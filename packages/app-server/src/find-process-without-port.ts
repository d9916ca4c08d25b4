import { readFileSync } from 'node:fs'
import type { ProcessTree } from '@portslice/process-tree'

/** In characters: enough to recognise a command. */
const MAX_COMMAND_LENGTH = 200

/**
 * Finds a process that was started without `PORT`, for example by Turborepo's strict mode or `env -i`.
 *
 * @returns its description: `process 4711 (node server.js)`. `undefined` also if the environments cannot be read
 *   (not Linux, or a process of another user)
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
