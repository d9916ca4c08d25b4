import type { ClaimContext } from '../claim/claim-context.js'
import type { ResolvedOptions } from '../options/resolve.js'
import { formatShard } from '../options/shard.js'
import { hostIdentity } from '../platform/host.js'
import { ownRun } from '../platform/process-run.js'
import { warnOnce } from '../platform/warn-once.js'

/** In characters. Keeps the first line of the journal short. */
const MAX_COMMAND_LENGTH = 500

/** Connects to the coordinator, if there is one. */
export async function openClaimContext(options: ResolvedOptions): Promise<ClaimContext> {
  const context = claimContextOf(options)
  if (!options.remote) return context
  // Loaded on demand: most users have no coordinator.
  const { openRemoteHost } = await import('../coordinator/coordinated-host.js')
  return { ...context, remote: await openRemoteHost(options.remote, context.holder) }
}

/** Who this process is, and where it leases and claims ports. */
export function claimContextOf(options: ResolvedOptions): ClaimContext {
  const { lockDirectory, runner, workerId, shard, cwd, projectRoot, needsTimeWait } = options
  return {
    lockDirectory,
    holder: {
      pid: process.pid,
      ...ownRun(),
      host: hostIdentity(),
      runner,
      workerId,
      ...(shard && { shard: formatShard(shard) }),
      cwd,
      projectRoot,
      command: process.argv.join(' ').slice(0, MAX_COMMAND_LENGTH),
    },
    onTrouble: (error) => lockDirectory !== undefined && warnAbout(lockDirectory, error),
    hasAcquiredLock: false,
    needsTimeWait,
  }
}

function warnAbout(lockDirectory: string, error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error)
  warnOnce(
    lockDirectory,
    'PORTSLICE_LOCK_DIRECTORY',
    `The lock directory ${JSON.stringify(lockDirectory)} cannot be used at the moment (${reason}). ` +
      'Ports stay unique in this network namespace; until it can be used again, `listSlices` and ' +
      'holders in other namespaces do not see this process.',
  )
}
