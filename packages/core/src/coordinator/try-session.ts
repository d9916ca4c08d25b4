import { randomUUID } from 'node:crypto'
import type { ResolvedRemote } from '../options/remote.js'
import type { CoordinatorCheck, HolderInfo } from './coordinator-session.js'
import { loadCoordinator } from './load-coordinator.js'
import { RemoteProbe } from './remote-probe.js'

/** Opens a session, checks the rights that a session needs, and closes it. */
export async function trySession(
  remote: ResolvedRemote,
  holder: HolderInfo,
  port: number,
): Promise<CoordinatorCheck & { isAnswered: boolean }> {
  const { openSession } = await loadCoordinator(remote.coordinator)
  const { host, coordinator: url } = remote
  const session = await openSession({ url, host, owner: randomUUID(), holder, onLost: () => {} })
  try {
    const check = await session.check()
    // To read the tables, the user needs more rights than to connect.
    await session.list()
    const probe = new RemoteProbe({ ...remote, unansweredPorts: 'skip' })
    await probe.isUsable(port)
    return { ...check, isAnswered: probe.unanswered.size === 0 }
  } finally {
    await session.close()
  }
}
