/** Who holds a slice, as part of a sentence. */
import type { SliceHolderStatus } from './list-slices.js'

/** Of a slice that is held by somebody of whom no more is known. */
export const UNKNOWN_HOLDER = 'somebody whose journal is in another lock directory'

/** Such as `pid 4711, vitest worker 3 in "/src/shop" since 2026-01-31T12:00:00.000Z`. */
export function formatHolder(holder: SliceHolderStatus | undefined): string {
  if (!holder) return UNKNOWN_HOLDER
  const { pid, runner, workerId, cwd, since } = holder
  return `pid ${pid}, ${runner} worker ${workerId} in ${JSON.stringify(cwd)} since ${since}`
}
