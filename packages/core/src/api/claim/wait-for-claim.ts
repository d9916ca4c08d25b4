/** The wait for a fixed port: flag up, then a look for that of its slice. */
import { identityOf } from '../../allocator/identity.js'
import { Lease, type PortLease } from '../../allocator/lease.js'
import { Queue, untilAborted } from '../../allocator/queue.js'
import { warnOnce } from '../../allocator/warning.js'
import { codeOf, isOutOfDescriptors, PortsliceError } from '../../errors.js'
import { type ResolvedOptions, resolveOptions } from '../../options/resolve.js'
import { Date, deadlineIn, sleep } from '../../platform/clock.js'
import { isFreeForTcp } from '../../probe/free.js'
import { type HeldUdpPort, holdUdpPort } from '../../probe/held-udp.js'
import { isLeaked } from '../../probe/leak.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../../probe/listening.js'
import { atProcessExit, processWide } from '../../process-state.js'
import { sentinelOf, sliceOf } from '../../slice/layout.js'
import { ensureLockDirectory } from '../../slice/lock-directory.js'
import { removeNote, writeNote } from './note.js'
import { claimTimeout, describeObstacle, type Obstacle } from './obstacle.js'

/** How often to look whether the port has become free, in ms: at first often, and jittered. */
const FIRST_LOOK = 10
const SLOWEST_LOOK = 100

/** So often in a row it is not met by chance. */
const LOOKS_AT_SENTINEL = 4

export interface ClaimWait {
  /** ms */
  timeout: number
  signal: AbortSignal | undefined
}

/** @param ports in the order in which they are wanted */
export async function waitForClaim(
  ports: readonly number[],
  { timeout, signal }: ClaimWait,
): Promise<PortLease> {
  const settings = resolveOptions()
  const lockDirectory = settings.lockDirectory as string
  ensureLockDirectory(lockDirectory)

  const { claims, turns } = waiting()
  claims.add(ports)
  const deadline = deadlineIn(timeout)
  try {
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_LOOK)) {
      // One call at a time: a later one is to see what an earlier one has got, or has not.
      const found = await turns.run(() => firstFree(ports), signal)
      if (!(found instanceof Map)) return leaseOf(found.port, found.flag, settings)
      if (deadline.expired) {
        const obstacles = [...found].map(([each, obstacle]) =>
          describeObstacle(each, obstacle, lockDirectory),
        )
        throw claimTimeout(ports, timeout, await Promise.all(obstacles))
      }
      await untilAborted(sleep(wait * (0.5 + Math.random())), signal)
    }
  } finally {
    claims.delete(ports)
  }
}

interface Waiting {
  /** The calls that wait, in the order they were made, each with its ports. */
  readonly claims: Set<readonly number[]>
  /** In which they look whether they can have one, one after the other. */
  readonly turns: Queue
}

function waiting(): Waiting {
  return processWide<Waiting>('@portslice/core claims 1', () => ({
    claims: new Set(),
    turns: new Queue(),
  }))
}

/** The first of the ports that can be had, with its flag raised, or what is in the way of each. */
async function firstFree(
  ports: readonly number[],
): Promise<{ port: number; flag: HeldUdpPort } | Map<number, Obstacle>> {
  const obstacles = new Map<number, Obstacle>()
  for (const port of ports) {
    const found = isWantedBefore(port, ports) ? 'queue' : await attempt(port)
    if (typeof found !== 'string') {
      waiting().claims.delete(ports)
      return { port, flag: found }
    }
    obstacles.set(port, found)
  }
  return obstacles
}

/** Whether an earlier call of this process waits for the port as well. */
function isWantedBefore(port: number, self: readonly number[]): boolean {
  for (const claim of waiting().claims) {
    if (claim === self) return false
    if (claim.includes(port)) return true
  }
  return false
}

/**
 * Raises the flag of the port, a UDP socket, and then looks for that of its slice's holder, who
 * does it the other way round: whoever comes second sees the first.
 */
async function attempt(port: number): Promise<HeldUdpPort | Obstacle> {
  try {
    return await raiseAndLook(port)
  } catch (error) {
    if (isOutOfDescriptors(error)) return 'descriptors'
    throw error
  }
}

async function raiseAndLook(port: number): Promise<HeldUdpPort | Obstacle> {
  const sentinel = sentinelOf(sliceOf(port))
  // A look first: while somebody has the port, nothing is bound on it, as his app may be about to.
  const flags = await unconnectedUdpPortsOnLoopback()
  if (flags?.has(sentinel) && port !== sentinel) return 'slice'
  if (flags?.has(port)) return 'claimed'
  if (await isListeningForTcp(port)) return 'listening'

  const flag = await raised(port)
  if (!flag) return 'claimed'
  let obstacle: Obstacle | undefined = 'slice'
  try {
    if (port !== sentinel) {
      const unheld = await untilHeld(sentinel)
      if (!unheld) return 'slice'
      await unheld.close()
    }
    obstacle = (await isFreeForTcp(port)) ? undefined : 'listening'
    return obstacle ?? flag
  } finally {
    if (obstacle) await flag.close()
  }
}

/** Others who claim a port of the slice hold its sentinel for a moment, too. */
async function untilHeld(sentinel: number): Promise<HeldUdpPort | undefined> {
  for (let i = 0; ; i++) {
    const held = await holdUdpPort(sentinel)
    if (held || i === LOOKS_AT_SENTINEL) return held
    await sleep(1)
  }
}

async function raised(port: number): Promise<HeldUdpPort | undefined> {
  try {
    return await holdUdpPort(port)
  } catch (error) {
    if (codeOf(error) !== 'EACCES') throw error
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `Port ${port} cannot be claimed: this user may not bind it (${(error as Error).message}).`,
      {
        value: port,
        advice:
          'Claim a port from 1024 up, or run with the privilege that the app needs for it anyway.',
        cause: error,
      },
    )
  }
}

function leaseOf(port: number, flag: HeldUdpPort, settings: ResolvedOptions): PortLease {
  const lockDirectory = settings.lockDirectory as string
  try {
    const { pid, host, cwd, command } = identityOf(settings)
    writeNote(lockDirectory, port, { pid, host, cwd, command, at: new Date().toISOString() })
  } catch (error) {
    warnOnce(lockDirectory, error)
  }
  const forgetExit = atProcessExit(() => removeNote(lockDirectory, port))
  const giveBack = async () => {
    forgetExit()
    const leaked = await isLeaked(port, isListeningForTcp)
    removeNote(lockDirectory, port)
    await flag.close()
    return { leaked }
  }
  // Its own flag is a UDP socket, which is not the app's.
  return new Lease(port, undefined, giveBack, isListeningForTcp)
}
