/** The environment variable by which the processes of one tree are known, wherever they went. */
import { readFileSync } from 'node:fs'

const VARIABLE = 'PORTSLICE_TREE'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** What tells the processes of one tree from all others. */
export interface TreeMarker {
  /** Tells this tree from all others. */
  readonly id: string
  /** To be added to the environment of the process that the tree starts with. */
  readonly env: {
    /** The ids of this tree and of those around it, with colons between them. */
    readonly [VARIABLE]: string
  }
}

/**
 * A mark for a tree that is about to be started. A tree inside another one has the marks of
 * both, so that who ends the outer one ends the inner one as well.
 *
 * @param env the environment to which the mark is added
 * @example
 * const marker = treeMarker()
 * const child = spawn('node', ['server.js'], { env: { ...process.env, ...marker.env } })
 * const tree = new ProcessTree(marker.id, child)
 */
export function treeMarker(env: NodeJS.ProcessEnv = process.env): TreeMarker {
  const id = randomId()
  const outer = env[VARIABLE]
  return { id, env: { [VARIABLE]: outer ? `${outer}:${id}` : id } }
}

/** The kernel has one at hand, and node:crypto takes longer to load than a small program to run. */
function randomId(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim()
    if (UUID.test(id)) return id
  } catch {
    // Not Linux, or /proc is not mounted.
  }
  return process.getBuiltinModule('node:crypto').randomUUID()
}

/** Whether an environment, as `/proc/<pid>/environ` has it, bears the mark of a tree. */
export function bearsMark(environment: string, id: string): boolean {
  // Most processes of a machine bear none: they need not be looked at closely.
  if (!environment.includes(id)) return false
  return environment
    .split('\0')
    .some((entry) => entry.startsWith(`${VARIABLE}=`) && marksIn(entry).includes(id))
}

function marksIn(entry: string): string[] {
  return entry.slice(VARIABLE.length + 1).split(':')
}
