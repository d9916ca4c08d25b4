import type { ResolvedOptions } from '../options/resolve.js'
import { formatShard } from '../options/shard.js'
import { hostIdentity } from '../platform/host.js'
import type { JournalLease } from '../slice/journal.js'

/** Enough to recognise a command by; keeps the journal's first line short. */
const LONGEST_COMMAND = 500

/** What the journals of this process say of who holds the slice. */
export function identityOf(settings: ResolvedOptions): Omit<JournalLease, 'at'> {
  const { runner, workerId, shard } = settings
  return {
    pid: process.pid,
    host: hostIdentity(),
    runner,
    workerId,
    ...(shard && { shard: formatShard(shard) }),
    cwd: settings.cwd,
    command: process.argv.join(' ').slice(0, LONGEST_COMMAND),
  }
}
