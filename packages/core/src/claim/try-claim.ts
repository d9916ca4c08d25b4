import { isOutOfDescriptors } from '../errors.js'
import { events, skipPort } from '../platform/events.js'
import { isNotPermitted } from '../probe/bind-errors.js'
import { type HeldUdpPort, holdUdpPort } from '../probe/hold-udp-port.js'
import { atProcessExit } from '../process-state.js'
import { sliceOf } from '../slice/layout.js'
import { heldSlices, type Slice } from '../slice/slice.js'
import type { Claim } from './claim.js'
import type { ClaimContext } from './claim-context.js'
import { ClaimNoteWriter } from './claim-note-writer.js'
import {
  findClaimQuarantine,
  findPortObstacle,
  findSliceObstacle,
  findVisibleObstacle,
  quarantineObstacle,
} from './find-obstacle.js'
import type { Obstacle } from './obstacle.js'

/** One attempt to claim a port. */
export async function tryClaim(
  port: number,
  context: ClaimContext,
  label?: string,
): Promise<Claim | Obstacle> {
  try {
    if (context.remote) return await context.remote.tryClaim(port, label)
    const own = heldSlices().get(sliceOf(port))
    const outcome = await (own
      ? claimFromSlice(own, port, context, label)
      : claimWithSocket(port, context))
    if (!isClaim(outcome)) skipPort(port, outcome.kind)
    else if (events.claim.hasSubscribers) events.claim.publish({ port, label })
    return outcome
  } catch (error) {
    if (isOutOfDescriptors(error)) return { kind: 'descriptors', error }
    if (isNotPermitted(error)) return { kind: 'not-permitted', error }
    throw error
  }
}

export function isClaim(outcome: Claim | Obstacle): outcome is Claim {
  return 'port' in outcome
}

async function claimFromSlice(
  slice: Slice,
  port: number,
  context: ClaimContext,
  label: string | undefined,
): Promise<Claim | Obstacle> {
  if (port === slice.last) return { kind: 'slice' }
  if (slice.isOut(port)) return { kind: 'own' }
  const quarantine = quarantineObstacle(slice.quarantineLeftMs(port))
  if (quarantine) return quarantine
  let obstacle: Obstacle | undefined
  const isUsable = async () => {
    obstacle = await findPortObstacle(port, context, false)
    return !obstacle
  }
  if (!(await slice.tryTake(port, [{ label }], isUsable))) return obstacle ?? { kind: 'in-use' }
  return {
    port,
    async release(leaked) {
      slice.release(port, leaked)
    },
  }
}

async function claimWithSocket(port: number, context: ClaimContext): Promise<Claim | Obstacle> {
  const visible = await findVisibleObstacle(port)
  if (visible) return visible
  const socket = await holdUdpPort(port)
  if (!socket) return { kind: 'claimed' }
  let claim: Claim | undefined
  let note: ClaimNoteWriter | undefined
  try {
    const quarantine = findClaimQuarantine(port, context)
    if (quarantine) return quarantine
    // Written before the slice is checked, so that a process that leases the slice later sees it.
    note = new ClaimNoteWriter(port, context)
    const obstacle =
      (await findSliceObstacle(port, context)) ?? (await findPortObstacle(port, context, true))
    if (obstacle) return obstacle
    claim = createClaim(port, socket, note)
    return claim
  } finally {
    if (!claim) {
      note?.remove()
      await socket.close()
    }
  }
}

function createClaim(port: number, socket: HeldUdpPort, note: ClaimNoteWriter): Claim {
  note.checkRegularly()
  const cancelExitTask = atProcessExit(() => note.recordExit())
  return {
    port,
    async release(leaked) {
      cancelExitTask()
      note.archiveAndRemove()
      await socket.close()
      if (events.release.hasSubscribers) events.release.publish({ port, leaked })
    },
  }
}
