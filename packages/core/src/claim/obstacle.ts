/** What keeps a port from being claimed, and which process that is: for people. */
import { inspect, PortsliceError } from '../errors.js'
import { hostIdentity } from '../platform/host.js'
import { isProcess, processStateOf } from '../platform/process-run.js'
import { isSurelyFree } from '../probe/free.js'
import { ownersOf, type PortOwner } from '../probe/owner.js'
import { usesOfPort } from '../probe/port-use.js'
import { type ClaimNote, readClaimNote } from '../slice/claim-note.js'
import { formatHolder } from '../slice/format-holder.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import { listSlices, type SliceStatus } from '../slice/list-slices.js'
import type { Obstacle } from './try-claim.js'

/** What is in the way of one port, for people. */
export interface ClaimObstacle {
  /** The port that was asked for. */
  port: number
  /** A sentence without its end. */
  text: string
  /** Whether it is in the way of the port that a worker has leased the slice it lies in. */
  isLeased: boolean
}

/** `ERR_PORTSLICE_CLAIM_TIMEOUT`, with what its message says of each port. */
export interface ClaimTimeoutError extends PortsliceError {
  /** One for each port that was asked for. */
  readonly obstacles: readonly ClaimObstacle[]
}

/** @param lockDirectory `undefined` where there are no files */
export async function describeObstacle(
  port: number,
  obstacle: Obstacle,
  lockDirectory: string | undefined,
): Promise<ClaimObstacle> {
  const plain = (text: string) => ({ port, text: `port ${port} ${text}`, isLeased: false })
  switch (obstacle.kind) {
    case 'descriptors':
      return plain('could not be looked at, because the system refuses more sockets or files')
    case 'not-permitted':
      return plain(`may not be bound by this user (${(obstacle.error as Error).message})`)
    case 'quarantined':
      return plain(
        `was out when its holder died, and what that has started may still bind it: it is quarantined for ${Math.ceil((obstacle.left ?? 0) / 1000)} s more`,
      )
    case 'own':
      return plain('is out in this very process: release it first')
    default: {
      const slice = await leasedSlice(port, lockDirectory)
      if (slice) return { ...plain(slice.text), isLeased: slice.isLeased }
      return plain(await describeUser(port, lockDirectory))
    }
  }
}

/** Which process has claimed it or listens on it, as a clause. */
async function describeUser(port: number, lockDirectory: string | undefined): Promise<string> {
  const owners = await ownersOf(port)
  const claim = liveClaim(port, lockDirectory)
  // A note is left by a death, and another program may have the port then.
  if (claim && (owners.length === 0 || owners.some(({ pid }) => pid === claim.pid))) {
    return `has been claimed by pid ${claim.pid} (${inspect(claim.command)} in ${inspect(claim.cwd)}) since ${claim.at}`
  }
  if (owners.length > 0) return `is in use by ${formatOwners(owners)}`
  const connection = (await usesOfPort(port))?.find(({ kind }) => kind === 'connection')
  if (connection) {
    const { remote, owners: by } = connection
    const owner = by.length > 0 ? ` by ${formatOwners(by)}` : ''
    return `is the local port of a connection to ${remote}${owner}: the kernel gives such ports to outgoing connections`
  }
  return (await isSurelyFree(port))
    ? 'has just become free'
    : "is in use by a program of which nothing can be read, such as another user's"
}

function formatOwners(owners: readonly PortOwner[]): string {
  const texts = owners.map(
    ({ pid, command, cwd }) =>
      `pid ${pid} (${inspect(command)}${cwd === undefined ? '' : ` in ${inspect(cwd)}`})`,
  )
  return texts.join(' and ')
}

/** The note of a process that lives. */
function liveClaim(port: number, lockDirectory: string | undefined): ClaimNote | undefined {
  const note =
    lockDirectory === undefined ? undefined : readClaimNote(lockDirectory, port, hostIdentity())
  if (!note || note.died) return undefined
  const state = processStateOf(note.pid, note)
  return state === 'running' || (state === 'unknown' && isProcess(note.pid)) ? note : undefined
}

/** The slice that the port lies in, as a clause, if another process holds it. */
async function leasedSlice(
  port: number,
  lockDirectory: string | undefined,
): Promise<{ text: string; isLeased: boolean } | undefined> {
  const first = sliceOf(port)
  const last = sentinelOf(first)
  const options = { lockDirectory: lockDirectory ?? false } as const
  const slices = await listSlices(options).catch((): SliceStatus[] => [])
  const held = slices.find((slice) => slice.first === first && slice.state === 'held')
  if (!held) return undefined
  const slice = `lies in the slice ${first}-${last}, which`
  // A claimed port that happens to be the last of its slice is its sentinel as well.
  if (!held.holder && port === last) return undefined
  if (!held.holder && liveClaim(last, lockDirectory)) {
    const text = `${slice} cannot be leased while port ${last} is claimed, and that ${await describeUser(last, lockDirectory)}`
    return { text, isLeased: false }
  }
  return { text: `${slice} is leased by ${formatHolder(held.holder)}`, isLeased: true }
}

/** @param wanted the ports as a clause, such as `Port 3000` */
export function claimTimeout(
  wanted: string,
  value: unknown,
  timeout: number,
  obstacles: readonly ClaimObstacle[],
): ClaimTimeoutError {
  const isLeased = obstacles.some((obstacle) => obstacle.isLeased)
  const error = new PortsliceError(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
    [
      `${wanted} could not be claimed within ${timeout} ms:`,
      ...obstacles.map(({ text }) => `  ${text}`),
    ].join('\n'),
    {
      value,
      advice: `Wait until the port is given back, end the process that has it, or raise \`timeout\`${
        isLeased
          ? '. Workers lease slices all over the range: keep fixed ports out of it (option `range`, $PORTSLICE_RANGE)'
          : ''
      }.`,
    },
  )
  return Object.assign(error, { obstacles })
}

export function claimNotPermitted(
  wanted: string,
  value: unknown,
  obstacles: readonly Obstacle[],
): PortsliceError {
  const [{ error } = { error: undefined }] = obstacles
  return new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `${wanted} cannot be claimed: this user may not bind it (${(error as Error).message}).`,
    {
      value,
      advice:
        'Claim a port from 1024 up, or run with the privilege that the app needs for it anyway.',
      cause: error,
    },
  )
}
