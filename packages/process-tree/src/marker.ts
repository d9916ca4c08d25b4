import { readFileSync } from 'node:fs'

/** The environment variable that all descendants inherit, also daemons. */
const VARIABLE = 'PORTSLICE_TREE'
const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

export interface TreeMarker {
  readonly id: string
  /** Add it to the environment of the first process. */
  readonly env: {
    /** The ids of the outer trees and of this tree, separated by colons. */
    readonly [VARIABLE]: string
  }
}

/** A nested tree carries the ids of the outer ones, so ending an outer tree also ends it. */
export function treeMarker(env: NodeJS.ProcessEnv = process.env): TreeMarker {
  const id = randomId()
  const outer = env[VARIABLE]
  return { id, env: { [VARIABLE]: outer ? `${outer}:${id}` : id } }
}

/** Loading node:crypto takes longer than a small program runs, so the kernel is asked first. */
function randomId(): string {
  try {
    const id = readFileSync('/proc/sys/kernel/random/uuid', 'latin1').trim()
    if (UUID.test(id)) return id
  } catch {
    // Not Linux, or /proc is not mounted.
  }
  return process.getBuiltinModule('node:crypto').randomUUID()
}

export function hasTreeId(environment: string, id: string): boolean {
  if (!environment.includes(id)) return false
  return environment
    .split('\0')
    .some((entry) => entry.startsWith(`${VARIABLE}=`) && treeIds(entry).includes(id))
}

function treeIds(entry: string): string[] {
  return entry.slice(VARIABLE.length + 1).split(':')
}
