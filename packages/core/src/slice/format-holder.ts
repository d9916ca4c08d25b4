import type { PortStatus } from './list-slices.js'
import type { SliceHolderStatus } from './slice-record.js'

export const UNKNOWN_HOLDER = 'a process whose journal is in another lock directory'

export function formatHolder(holder: SliceHolderStatus | undefined): string {
  if (!holder) return UNKNOWN_HOLDER
  const { pid, runner, workerId, cwd, since } = holder
  return `pid ${pid}, ${runner} worker ${workerId} in ${JSON.stringify(cwd)} since ${since}`
}

export function formatCounts(counts: Readonly<Record<PortStatus['state'], number>>): string {
  const { out, quarantined, leaked } = counts
  return [
    `${out} ${out === 1 ? 'port' : 'ports'} out`,
    ...(quarantined > 0 ? [`${quarantined} quarantined`] : []),
    ...(leaked > 0 ? [`${leaked} leaked`] : []),
  ].join(', ')
}
