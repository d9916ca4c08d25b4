import type { ResolvedOptions } from '../options/resolve.js'
import { formatShard } from '../options/shard.js'
import { hostIdentity } from '../platform/host.js'
import { ownRun } from '../platform/process-run.js'
import type { LeaseContext } from '../slice/slice.js'
import { warnOnce } from './warning.js'

/** Enough to recognise a command by; keeps the journal's first line short. */
const LONGEST_COMMAND = 500

/** How slices are leased with these options, and what their journals say of this process. */
export function leaseContextOf(options: ResolvedOptions): LeaseContext {
  const { lockDirectory, runner, workerId, shard, cwd, projectRoot } = options
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
      command: process.argv.join(' ').slice(0, LONGEST_COMMAND),
    },
    onTrouble: (error) => warnOnce(lockDirectory, error),
    hasServed: false,
  }
}
