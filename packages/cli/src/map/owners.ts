import { ownersOfAll, type PortOwner } from '@portslice/core/internal/inspect'
import { sanitize } from '../terminal/format.js'
import type { OwnerNames } from './format.js'
import type { Picture } from './picture.js'

/** Names the programs that never asked, where this user may know them. */
export async function foreignOwners({ slices }: Picture): Promise<OwnerNames> {
  const foreign = slices.flatMap(({ first, ports }) =>
    ports.flatMap((state, offset) => (state === 'foreign' ? [first + offset] : [])),
  )
  if (foreign.length === 0) return new Map()
  const owners = await ownersOfAll(foreign)
  return new Map(
    [...owners].flatMap(([port, [owner]]) => (owner ? [[port, ownerText(owner)]] : [])),
  )
}

/** Such as `postgres, pid 812`. */
export function ownerText({ pid, command }: PortOwner): string {
  const name = command.split(' ')[0]?.split('/').at(-1)
  return sanitize(`${name || 'a process'}, pid ${pid}`)
}
