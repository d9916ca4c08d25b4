export type PortGroups = readonly (readonly number[])[]

/** Kuhn's algorithm: a different port for each group, each tried at most once; `undefined` if impossible. */
export async function assignPorts(
  groups: PortGroups,
  tryPort: (port: number) => Promise<boolean>,
): Promise<number[] | undefined> {
  const groupOf = new Map<number, number>()
  const unavailable = new Set<number>()
  const assign = async (group: number, seen: Set<number>): Promise<boolean> => {
    for (const port of groups[group] ?? []) {
      if (seen.has(port) || unavailable.has(port)) continue
      seen.add(port)
      const other = groupOf.get(port)
      if (other === undefined) {
        if (!(await tryPort(port))) {
          unavailable.add(port)
          continue
        }
      } else if (!(await assign(other, seen))) continue
      groupOf.set(port, group)
      return true
    }
    return false
  }
  // All processes use the same order, so that one of two calls for the same ports gets all.
  const order = [...groups.keys()].sort((a, b) => compareGroups(groups[a], groups[b]))
  for (const group of order) if (!(await assign(group, new Set()))) return undefined
  const ports: number[] = []
  for (const [port, group] of groupOf) ports[group] = port
  return ports
}

function compareGroups(a: readonly number[] = [], b: readonly number[] = []): number {
  return a.length - b.length || Math.min(...a) - Math.min(...b)
}

export function canAssignPorts(groups: PortGroups): boolean {
  const groupOf = new Map<number, number>()
  const assign = (group: number, seen: Set<number>): boolean =>
    (groups[group] ?? []).some((port) => {
      if (seen.has(port)) return false
      seen.add(port)
      const other = groupOf.get(port)
      if (other !== undefined && !assign(other, seen)) return false
      groupOf.set(port, group)
      return true
    })
  return groups.every((_, group) => assign(group, new Set()))
}
