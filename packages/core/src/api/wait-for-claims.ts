import { Lease, type PortLease, type PortPlace } from '../allocator/lease.js'
import { openClaimContext } from '../allocator/open-claim-context.js'
import type { Claim } from '../claim/claim.js'
import type { ClaimContext } from '../claim/claim-context.js'
import { claimNotPermittedError, claimTimeoutError } from '../claim/claim-errors.js'
import { type ClaimObstacle, describeObstacle, type Obstacle } from '../claim/obstacle.js'
import { isClaim, tryClaim } from '../claim/try-claim.js'
import { withCallerStack } from '../errors.js'
import { checkWaitOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { type Deadline, deadlineIn } from '../platform/clock.js'
import { isLeaked } from '../probe/leak.js'
import { isListeningForTcp } from '../probe/listening.js'
import { processWide } from '../process-state.js'
import { ensureLockDirectory } from '../slice/lock-directory.js'
import { throwIfAborted } from '../wait/abort.js'
import { type Turns, TurnsByName } from '../wait/turns.js'
import { WaitList } from '../wait/wait-list.js'
import { assignPorts, type PortGroups } from './assign-ports.js'
import { hasLease, registerLease, unregisterLease } from './lease-registry.js'

/** How long a claim may wait. */
export interface ClaimOptions {
  /** How long to wait for the port, in ms. Default: 60 000. */
  timeout?: number
  /** Stops waiting when aborted, and throws the signal's reason. */
  signal?: AbortSignal
}

/** Long enough for a test file or two of another run. */
const DEFAULT_TIMEOUT_MS = 60_000
const PROGRESS_INTERVAL_MS = 2000

/** The claims of this process that wait, first come, first served. */
function waitingClaims(): WaitList {
  return processWide('claims', () => new WaitList())
}

function turnsFor(port: number): Turns {
  return processWide('turns with claims', () => new TurnsByName()).of(String(port))
}

/**
 * Claims a port of each group: all or none. Errors begin with `subject`, and contain `value`.
 *
 * @param onObstacles called when the wait begins, and every 2 s
 */
export async function waitForClaims(
  groups: PortGroups,
  options: ClaimOptions,
  { subject, value }: { subject: string; value: unknown },
  onObstacles?: (obstacles: readonly ClaimObstacle[]) => void,
): Promise<PortLease[]> {
  checkWaitOptions(options)
  const { timeout = DEFAULT_TIMEOUT_MS, signal } = options
  throwIfAborted(signal)
  const context = await openContext()
  let obstacles: ReadonlyMap<number, Obstacle> = new Map()
  const describeObstacles = () =>
    Promise.all(
      [...obstacles].map(([port, obstacle]) =>
        describeObstacle(port, obstacle, context.lockDirectory),
      ),
    )
  let nextReport: Deadline | undefined
  const reportObstacles = () => {
    if (!onObstacles || nextReport?.expired === false) return
    nextReport = deadlineIn(PROGRESS_INTERVAL_MS)
    // A failed description is repeated in the next report, or in the error at the end.
    void describeObstacles().then(onObstacles, () => {})
  }
  const attempt = async () => {
    const outcome = await claimEach(groups, context, signal)
    if (Array.isArray(outcome)) return outcome
    obstacles = outcome
    const found = [...outcome.values()]
    if (found.length > 0 && found.every(({ kind }) => kind === 'not-permitted')) {
      throw claimNotPermittedError(subject, value, found)
    }
    reportObstacles()
    return undefined
  }
  const isHeldByOthers = () =>
    [...obstacles].some(
      ([port, { kind }]) => (kind === 'claimed' || kind === 'slice') && !hasLease(port),
    )
  // All calls that want the same ports take turns by the lowest of them.
  const turns = turnsFor(Math.min(...groups.flat()))
  try {
    const claims = await waitingClaims().add(turns.begin(attempt, timeout, isHeldByOthers), {
      timeout,
      signal,
      undo: (late) => void releaseAll(late),
      onTimeout: async () => claimTimeoutError(subject, value, timeout, await describeObstacles()),
    })
    return claims.map((claim) => leaseClaim(claim, turns, context.remote))
  } catch (error) {
    throw withCallerStack(error)
  }
}

async function openContext(): Promise<ClaimContext> {
  const options = resolveOptions()
  if (options.lockDirectory !== undefined) ensureLockDirectory(options.lockDirectory)
  return openClaimContext(options)
}

/** @returns one claim for each group; else the obstacles, and nothing is claimed */
async function claimEach(
  groups: PortGroups,
  context: ClaimContext,
  signal: AbortSignal | undefined,
): Promise<Claim[] | ReadonlyMap<number, Obstacle>> {
  const obstacles = new Map<number, Obstacle>()
  const claims = new Map<number, Claim>()
  let ports: number[] | undefined
  try {
    ports = await assignPorts(groups, async (port) => {
      throwIfAborted(signal)
      const outcome = await tryClaim(port, context)
      if (isClaim(outcome)) claims.set(port, outcome)
      else obstacles.set(port, outcome)
      return isClaim(outcome)
    })
  } finally {
    if (!ports) await releaseAll([...claims.values()])
  }
  return ports?.map((port) => claims.get(port) as Claim) ?? obstacles
}

async function releaseAll(claims: readonly Claim[]): Promise<void> {
  await Promise.all(claims.map((claim) => claim.release(false)))
}

function leaseClaim(
  claim: Claim,
  turns: Turns,
  // Only TCP counts, because the claim itself has a UDP socket.
  place: PortPlace = { isListening: isListeningForTcp },
): PortLease {
  const giveBack = async () => {
    unregisterLease(lease)
    const leaked = await isLeaked(claim.port, place.isListening)
    await claim.release(leaked)
    turns.end()
    waitingClaims().wake()
    return { leaked }
  }
  const lease = new Lease(claim.port, undefined, giveBack, place)
  return registerLease(lease)
}
