export interface Runtime {
  readonly name: 'node' | 'bun' | 'deno'
  readonly version: string
}

/** Bun and Deno also name a version of Node, with which they are compatible. */
export function runtime(versions: NodeJS.ProcessVersions = process.versions): Runtime {
  if (versions.bun !== undefined) return { name: 'bun', version: versions.bun }
  if (versions.deno !== undefined) return { name: 'deno', version: versions.deno }
  return { name: 'node', version: versions.node }
}

/** Bun and Deno close a UDP socket only when the callback of `close()` runs. */
export const CLOSES_UDP_SYNCHRONOUSLY = runtime().name === 'node'
