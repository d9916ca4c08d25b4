import { ownersOfAll, type PortOwner } from '@portslice/core/internal/inspect'
import { sanitize } from '../terminal/format.js'
import type { OwnerNames } from './describe.js'
import type { RangeSnapshot, SliceSnapshot } from './range-snapshot.js'

export function foreignPorts(slices: readonly SliceSnapshot[]): number[] {
  return slices.flatMap(({ first, ports }) =>
    ports.flatMap((state, offset) => (state === 'foreign' ? [first + offset] : [])),
  )
}

/** Finds the programs behind foreign ports, if this user may see them. */
export async function findForeignOwners({ slices }: RangeSnapshot): Promise<OwnerNames> {
  const foreign = foreignPorts(slices)
  if (foreign.length === 0) return new Map()
  const owners = await ownersOfAll(foreign)
  return new Map(
    [...owners].flatMap(([port, [owner]]) => (owner ? [[port, formatOwner(owner)]] : [])),
  )
}

/** Such as `postgres, pid 812`. */
export function formatOwner({ pid, command }: PortOwner): string {
  const name = command.split(' ')[0]?.split('/').at(-1)
  return sanitize(`${name || 'a process'}, pid ${pid}`)
}
