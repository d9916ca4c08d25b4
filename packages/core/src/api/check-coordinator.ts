import { claimContextOf } from '../allocator/open-claim-context.js'
import type { CoordinatorCheck } from '../coordinator/coordinator-session.js'
import type { ResolvedOptions } from '../options/resolve.js'

/** Checks the coordinator for `portslice doctor`; `undefined` if there is none. */
export async function checkCoordinator(
  options: ResolvedOptions,
): Promise<(CoordinatorCheck & { isAnswered: boolean }) | undefined> {
  const { remote, slices } = options
  if (!remote) return undefined
  const { trySession } = await import('../coordinator/try-session.js')
  const [first] = slices
  return trySession(remote, claimContextOf(options).holder, first as number)
}
