import { ownersOfAll, type PortOwner } from '@portslice/core/internal/inspect'
import { sanitize } from '../terminal/format.js'
import type { SliceSnapshot } from './range-snapshot.js'

/** Names of the processes that listen on ports, such as `postgres, pid 812`, if known. */
export type OwnerNames = ReadonlyMap<number, string>

export function foreignPorts(slices: readonly SliceSnapshot[]): number[] {
  return slices.flatMap(({ first, ports }) =>
    ports.flatMap((state, offset) => (state === 'foreign' ? [first + offset] : [])),
  )
}

/** Names the processes that listen on the ports, if this user may see them. */
export async function findOwnerNames(ports: readonly number[]): Promise<OwnerNames> {
  if (ports.length === 0) return new Map()
  const owners = await ownersOfAll(ports)
  return new Map(
    [...owners].flatMap(([port, [owner]]) => (owner ? [[port, formatOwner(owner)]] : [])),
  )
}

/** `postgres, pid 812` */
export function formatOwner({ pid, command }: PortOwner): string {
  const name = command.split(' ')[0]?.split('/').at(-1)
  return sanitize(`${name || 'a process'}, pid ${pid}`)
}
