/** One fixed port, for one holder at a time on the whole machine. */

import { identityOf } from '../allocator/identity.js'
import { Lease, type PortLease } from '../allocator/lease.js'
import { Queue, throwIfAborted, untilAborted } from '../allocator/queue.js'
import { warnOnce } from '../allocator/warning.js'
import { LAST_PORT, sentinelOf, sliceOf } from '../arithmetic/slices.js'
import { codeOf, isOutOfDescriptors, PortsliceError, quoted } from '../errors.js'
import { isFreeForTcp } from '../port/free.js'
import { type HeldUdpPort, holdUdpPort } from '../port/held-udp.js'
import { isLeaked } from '../port/leak.js'
import { isListeningForTcp, unconnectedUdpPortsOnLoopback } from '../port/listening.js'
import { atProcessExit, processState } from '../process-state.js'
import { Date, deadlineIn, sleep } from '../real-time.js'
import { checkWaitOptions } from '../settings/options.js'
import { type Settings, settle } from '../settings/settings.js'
import { ensureLockDirectory } from '../slice/lock-directory.js'
import { removeNote, writeNote } from './note.js'
import { claimTimeout, describeObstacle, type Obstacle } from './obstacle.js'

/** What {@link claimPort} takes beside the port. */
export interface ClaimOptions {
  /** How long to wait for the port, in ms. Default: 60 000. */
  timeout?: number
  /** Gives up waiting when aborted, with the signal's reason. */
  signal?: AbortSignal
}

/** A test file or two of somebody else, in ms. */
const DEFAULT_TIMEOUT = 60_000
/** How often to look whether the port has become free, in ms: at first often, and jittered. */
const FIRST_LOOK = 10
const SLOWEST_LOOK = 100

/** So often in a row it is not met by chance. */
const LOOKS_AT_SENTINEL = 4

/**
 * Claims a fixed port, such as that of an OAuth redirect or of an app that has it hard-coded:
 * one holder at a time on the whole machine. Waits while somebody else has claimed it, while
 * a program listens on it, and while a worker has leased the slice that it lies in; goes on at
 * once when that ends, however it ends. In one process, first come is first served.
 *
 * The claim is a UDP socket on 127.0.0.1, so the app can serve TCP on the port, but not UDP.
 *
 * @param port 1 to 65535; of a list, the first that is free
 * @param options how long to wait
 * @throws PortsliceError ERR_PORTSLICE_CLAIM_TIMEOUT, naming who has the port;
 *   …_OPTION_INVALID, …_LOCK_DIRECTORY; the signal's reason when aborted
 * @example
 * await using claim = await claimPort(3000)
 * await startAppThatHasPort3000HardCoded()
 */
export async function claimPort(
  port: number | readonly number[],
  options: ClaimOptions = {},
): Promise<PortLease> {
  const ports = checkedPorts(port)
  checkWaitOptions(options)
  const { timeout = DEFAULT_TIMEOUT, signal } = options
  throwIfAborted(signal)
  const settings = settle()
  ensureLockDirectory(settings.lockDirectory)

  const state = processState()
  state.claimTurns ??= new Queue()
  const { claims, claimTurns } = state
  claims.add(ports)
  const deadline = deadlineIn(timeout)
  try {
    for (let wait = FIRST_LOOK; ; wait = Math.min(wait * 2, SLOWEST_LOOK)) {
      // One call at a time: a later one is to see what an earlier one has got, or has not.
      const found = await claimTurns.run(() => firstFree(ports), signal)
      if (!(found instanceof Map)) return leaseOf(found.port, found.flag, settings)
      if (deadline.expired) {
        const texts = [...found].map(([each, obstacle]) =>
          describeObstacle(each, obstacle, settings.lockDirectory),
        )
        throw claimTimeout(ports, timeout, await Promise.all(texts))
      }
      await untilAborted(sleep(wait * (0.5 + Math.random())), signal)
    }
  } finally {
    deadline.cancel()
    claims.delete(ports)
  }
}

/** The first of the ports that can be had, with its flag raised, or what is in the way of each. */
async function firstFree(
  ports: readonly number[],
): Promise<{ port: number; flag: HeldUdpPort } | Map<number, Obstacle>> {
  const obstacles = new Map<number, Obstacle>()
  for (const port of ports) {
    const found = isWantedBefore(port, ports) ? 'queue' : await attempt(port)
    if (typeof found !== 'string') {
      processState().claims.delete(ports)
      return { port, flag: found }
    }
    obstacles.set(port, found)
  }
  return obstacles
}

/** Whether an earlier call of this process waits for the port as well. */
function isWantedBefore(port: number, self: readonly number[]): boolean {
  for (const claim of processState().claims) {
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

function leaseOf(port: number, flag: HeldUdpPort, settings: Settings): PortLease {
  const { lockDirectory } = settings
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

function checkedPorts(port: unknown): readonly number[] {
  const ports: readonly unknown[] = Array.isArray(port) ? [...new Set(port)] : [port]
  const isPort = (each: unknown) =>
    Number.isInteger(each) && (each as number) >= 1 && (each as number) <= LAST_PORT
  if (ports.length > 0 && ports.every(isPort)) return ports as readonly number[]
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `claimPort was asked for ${quoted(port)}.`,
    { value: port, advice: `Give a port from 1 to ${LAST_PORT}, or a list of such ports.` },
  )
}
