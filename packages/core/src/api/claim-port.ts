/** Fixed ports, each for one holder at a time on the whole machine. */

import { Lease, type PortLease } from '../allocator/lease.js'
import { leaseContextOf } from '../allocator/lease-context.js'
import {
  type ClaimObstacle,
  claimNotPermitted,
  claimTimeout,
  describeObstacle,
} from '../claim/obstacle.js'
import {
  type Claim,
  type ClaimContext,
  isClaim,
  type Obstacle,
  tryClaim,
} from '../claim/try-claim.js'
import { inspect, PortsliceError } from '../errors.js'
import { checkWaitOptions } from '../options/options.js'
import { resolveOptions } from '../options/resolve.js'
import { throwIfAborted } from '../platform/abort.js'
import { type Deadline, deadlineIn } from '../platform/clock.js'
import { type Turns, TurnsByName } from '../platform/turns.js'
import { WaitList } from '../platform/wait-list.js'
import { isLeaked } from '../probe/leak.js'
import { isListeningForTcp } from '../probe/listening.js'
import { processWide } from '../process-state.js'
import { LAST_PORT } from '../slice/layout.js'
import { ensureLockDirectory } from '../slice/lock-directory.js'
import { forgetLease, isLeasedHere, noteLease } from './lease-registry.js'

/** What {@link claimPort} takes beside the port. */
export interface ClaimOptions {
  /** How long to wait for the port, in ms. Default: 60 000. */
  timeout?: number
  /** Gives up waiting when aborted, with the signal's reason. */
  signal?: AbortSignal
}

/** Long enough for a test file or two of another run, in ms. */
const DEFAULT_TIMEOUT_MS = 60_000
/** How often `onObstacles` is called while a claim waits, in ms. */
const NOTICE_INTERVAL_MS = 2000

/**
 * Claims a fixed port, such as that of an OAuth redirect or of an app that has it hard-coded:
 * one holder at a time on the whole machine. Waits while another process has claimed it, while
 * a program listens on it, while another worker has leased the slice that it lies in, and, after
 * the death of a holder, for 30 s. A port in a slice of this very process comes out of that slice.
 * Whoever waits longest tries most often; in one process, first come is first served.
 *
 * The claim is a UDP socket on 127.0.0.1, so the app can serve TCP on the port, but not UDP.
 *
 * @param port 1 to 65535; of several, the first that can be had
 * @param options how long to wait
 * @throws PortsliceError ERR_PORTSLICE_CLAIM_TIMEOUT, naming the process that has the port;
 *   …_OPTION_INVALID, …_LOCK_DIRECTORY; the signal's reason when aborted
 * @example
 * await using claim = await claimPort(3000)
 * await startAppThatHasPort3000HardCoded()
 */
export async function claimPort(
  port: number | Iterable<number>,
  options: ClaimOptions = {},
): Promise<PortLease> {
  const ports = checkPorts(port, 'claimPort')
  const [lease] = await claimAll([ports], options, {
    wanted: ports.length === 1 ? `Port ${ports[0]}` : `None of the ports ${ports.join(', ')}`,
    value: ports.length === 1 ? ports[0] : ports,
  })
  return lease as PortLease
}

/**
 * Claims several fixed ports: all of them or none. Two calls that ask for the same ports in another
 * order do not block each other: neither keeps a port while it waits for the rest.
 *
 * @param ports as of {@link claimPort}, once for each port that is wanted
 * @param options how long to wait
 * @returns the leases, in the order of `ports`
 * @throws PortsliceError as {@link claimPort} does
 * @example
 * const [web, api] = await claimPorts([3000, [8080, 8081]])
 */
export async function claimPorts(
  ports: Iterable<number | Iterable<number>>,
  options: ClaimOptions = {},
): Promise<PortLease[]> {
  if (!isIterable(ports)) throw notPorts('claimPorts', ports)
  const given = [...ports]
  const groups = given.map((port) => checkPorts(port, 'claimPorts'))
  if (groups.length === 0 || !canAllBeHad(groups)) throw notPorts('claimPorts', given)
  const names = groups.map((group) => group.join(' or '))
  return claimAll(groups, options, {
    wanted: names.length === 1 ? `Port ${names[0]}` : `All of the ports ${names.join(', ')}`,
    value: given,
  })
}

/**
 * As {@link claimPorts}, and tells meanwhile what is in the way: for programs that show people what
 * they wait for.
 *
 * @param groups for each port that is wanted, those of which one will do
 * @param options how long to wait; `onObstacles` is called when the wait begins, and every 2 s
 * @throws PortsliceError as {@link claimPort} does
 */
export function claimPortsAloud(
  groups: readonly (readonly number[])[],
  options: ClaimOptions & { onObstacles: (obstacles: readonly ClaimObstacle[]) => void },
): Promise<PortLease[]> {
  const { onObstacles, ...wait } = options
  const wanted = { wanted: `The ports ${groups.join(' ')}`, value: groups }
  return claimAll(groups, wait, wanted, onObstacles)
}

/** The calls of this process that wait: first come, first served. */
function waitingClaims(): WaitList {
  return processWide('claims', () => new WaitList())
}

/** The turns of this process with a port. */
function turnsWith(port: number): Turns {
  return processWide('turns with claims', () => new TurnsByName()).of(String(port))
}

async function claimAll(
  groups: readonly (readonly number[])[],
  options: ClaimOptions,
  { wanted, value }: { wanted: string; value: unknown },
  onObstacles?: (obstacles: readonly ClaimObstacle[]) => void,
): Promise<PortLease[]> {
  checkWaitOptions(options)
  const { timeout = DEFAULT_TIMEOUT_MS, signal } = options
  throwIfAborted(signal)
  const context = claimContext()
  let obstacles = new Map<number, Obstacle>()
  const describe = () => {
    const described = [...obstacles].map(([port, obstacle]) =>
      describeObstacle(port, obstacle, context.lockDirectory),
    )
    return Promise.all(described)
  }
  let notice: Deadline | undefined
  const tell = () => {
    if (!onObstacles || notice?.expired === false) return
    notice = deadlineIn(NOTICE_INTERVAL_MS)
    // What cannot be described now is described the next time, or in the error at the end.
    void describe().then(onObstacles, () => {})
  }
  const attempt = async () => {
    throwIfAborted(signal)
    const outcome = await claimEach(groups, context, signal)
    if (!(outcome instanceof Map)) return outcome
    obstacles = outcome
    const found = [...obstacles.values()]
    if (found.length > 0 && found.every(({ kind }) => kind === 'not-permitted')) {
      throw claimNotPermitted(wanted, value, found)
    }
    tell()
    return undefined
  }
  const isHeldByOthers = () =>
    [...obstacles].some(
      ([port, { kind }]) => (kind === 'claimed' || kind === 'slice') && !isLeasedHere(port),
    )
  // Of several ports another will do, or all are needed: the first stands for them.
  const turns = turnsWith(Math.min(...groups.flat()))
  const claims = await waitingClaims().add(turns.begin(attempt, timeout, isHeldByOthers), {
    timeout,
    signal,
    undo: (late) => void releaseAll(late),
    onTimeout: async () => claimTimeout(wanted, value, timeout, await describe()),
  })
  return claims.map((claim) => leaseOf(claim, turns))
}

function claimContext(): ClaimContext {
  const options = resolveOptions()
  if (options.lockDirectory !== undefined) ensureLockDirectory(options.lockDirectory)
  return { ...leaseContextOf(options), needsTimeWait: options.needsTimeWait }
}

/**
 * One port of each group, or what is in the way. Nothing is kept when one is missing. Each port is
 * tried once: a group that finds its ports taken by others of this call may have one of theirs, if
 * those can move on (Kuhn's algorithm).
 */
async function claimEach(
  groups: readonly (readonly number[])[],
  context: ClaimContext,
  signal: AbortSignal | undefined,
): Promise<Claim[] | Map<number, Obstacle>> {
  const obstacles = new Map<number, Obstacle>()
  const claims = new Map<number, { claim: Claim; group: number }>()
  const assign = async (group: number, seen: Set<number>): Promise<boolean> => {
    for (const port of groups[group] as readonly number[]) {
      if (seen.has(port) || obstacles.has(port)) continue
      seen.add(port)
      const known = claims.get(port)
      if (known && !(await assign(known.group, seen))) continue
      throwIfAborted(signal)
      const outcome = known?.claim ?? (await tryClaim(port, context))
      if (isClaim(outcome)) {
        claims.set(port, { claim: outcome, group })
        return true
      }
      obstacles.set(port, outcome)
    }
    return false
  }
  let isComplete = false
  try {
    // In one order for all: of two calls that want the same ports, one has them all.
    const order = [...groups.keys()].sort((a, b) => compareGroups(groups[a], groups[b]))
    for (const group of order) if (!(await assign(group, new Set()))) return obstacles
    isComplete = true
    const byGroup: Claim[] = []
    for (const { claim, group } of claims.values()) byGroup[group] = claim
    return byGroup
  } finally {
    if (!isComplete) await releaseAll([...claims.values()].map(({ claim }) => claim))
  }
}

function compareGroups(a: readonly number[] = [], b: readonly number[] = []): number {
  return a.length - b.length || Math.min(...a) - Math.min(...b)
}

/** Whether each group can have a port of its own, if all ports are free (Kuhn's algorithm). */
function canAllBeHad(groups: readonly (readonly number[])[]): boolean {
  const groupOf = new Map<number, number>()
  const assign = (group: number, seen: Set<number>): boolean => {
    for (const port of groups[group] as readonly number[]) {
      if (seen.has(port)) continue
      seen.add(port)
      const other = groupOf.get(port)
      if (other === undefined || assign(other, seen)) {
        groupOf.set(port, group)
        return true
      }
    }
    return false
  }
  return [...groups.keys()].every((group) => assign(group, new Set()))
}

async function releaseAll(claims: readonly Claim[]): Promise<void> {
  await Promise.all(claims.map((claim) => claim.release(false)))
}

function leaseOf(claim: Claim, turns: Turns): PortLease {
  const giveBack = async () => {
    forgetLease(lease)
    const leaked = await isLeaked(claim.port, isListeningForTcp)
    await claim.release(leaked)
    turns.end()
    waitingClaims().wake()
    return { leaked }
  }
  // The claim's own socket is UDP, and not the app's.
  const lease = new Lease(claim.port, undefined, giveBack, isListeningForTcp)
  return noteLease(lease)
}

function isIterable(value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}

function checkPorts(given: unknown, call: string): readonly number[] {
  const ports: readonly unknown[] = isIterable(given) ? [...new Set(given)] : [given]
  const isPort = (each: unknown) =>
    Number.isInteger(each) && (each as number) >= 1 && (each as number) <= LAST_PORT
  if (ports.length > 0 && ports.every(isPort)) return ports as readonly number[]
  throw notPorts(call, given)
}

function notPorts(call: string, value: unknown): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `${call} was asked for ${inspect(value)}.`,
    {
      value,
      advice:
        call === 'claimPort'
          ? `Give a port from 1 to ${LAST_PORT}, or a list of such ports.`
          : `Give ports from 1 to ${LAST_PORT}, so many that there is another one for each that is wanted.`,
    },
  )
}
