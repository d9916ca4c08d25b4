import { leaseContextOf } from '../allocator/lease-context.js'
import type { CoordinatorCheck } from '../coordinator/coordinator.js'
import type { ResolvedOptions } from '../options/resolve.js'

export async function checkCoordinator(
  options: ResolvedOptions,
): Promise<(CoordinatorCheck & { isAnswered: boolean }) | undefined> {
  const { remote, slices } = options
  if (!remote) return undefined
  const { checkCoordinator } = await import('../coordinator/check-coordinator.js')
  const [first] = slices
  return checkCoordinator(remote, leaseContextOf(options).holder, first as number)
}
