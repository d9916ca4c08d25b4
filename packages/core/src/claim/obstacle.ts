import { inspect } from '../errors.js'
import { hostIdentity } from '../platform/host.js'
import { isProcess, processStateOf } from '../platform/process-run.js'
import { isSurelyFree } from '../probe/free.js'
import { ownersOf, type PortOwner } from '../probe/owner.js'
import { socketsOfPort } from '../probe/port-sockets.js'
import { type ClaimNote, readClaimNote } from '../slice/claim-note.js'
import { formatHolder } from '../slice/format-holder.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import { listSlices, type SliceStatus } from '../slice/list-slices.js'

/**
 * Why a port cannot be claimed.
 *
 * - `claimed`: another process has claimed it, or has a UDP socket on it
 * - `own`: this process has it out
 * - `slice`: another process holds its slice, or the port is the sentinel of a held slice
 * - `in-use`: a program listens on it, or has a connection from it
 * - `quarantined`: child processes of its dead holder may still bind it
 * - `not-permitted`: this user may not bind it
 * - `descriptors`: the system refuses more sockets or files
 */
export interface Obstacle {
  readonly kind:
    | 'claimed'
    | 'own'
    | 'slice'
    | 'in-use'
    | 'quarantined'
    | 'not-permitted'
    | 'descriptors'
  readonly leftMs?: number
  readonly error?: unknown
  /** For a port of another host: the rest of a sentence that begins with `port 3000`. */
  readonly text?: string
}

export interface ClaimObstacle {
  port: number
  /** A sentence without its full stop. */
  text: string
  /** Whether a worker has leased the slice of the port. */
  isLeased: boolean
}

export async function describeObstacle(
  port: number,
  obstacle: Obstacle,
  lockDirectory: string | undefined,
): Promise<ClaimObstacle> {
  const aboutPort = (text: string) => ({ port, text: `port ${port} ${text}`, isLeased: false })
  if (obstacle.text !== undefined) return aboutPort(obstacle.text)
  switch (obstacle.kind) {
    case 'descriptors':
      return aboutPort('could not be checked, because the system refuses more sockets or files')
    case 'not-permitted':
      return aboutPort(`may not be bound by this user (${(obstacle.error as Error).message})`)
    case 'quarantined':
      return aboutPort(
        `was out when its holder died, and child processes of the holder may still bind it: it is quarantined for ${Math.ceil((obstacle.leftMs ?? 0) / 1000)} s more`,
      )
    case 'own':
      return aboutPort('is out in this process: release it first')
    default: {
      const slice = await leasedSlice(port, lockDirectory)
      if (slice) return { ...aboutPort(slice.text), isLeased: slice.isLeased }
      return aboutPort(await describeUser(port, lockDirectory))
    }
  }
}

async function describeUser(port: number, lockDirectory: string | undefined): Promise<string> {
  const owners = await ownersOf(port)
  const claim = liveClaim(port, lockDirectory)
  // A dead claimer may have left the note, and another program may have the port.
  if (claim && (owners.length === 0 || owners.some(({ pid }) => pid === claim.pid))) {
    return `has been claimed by pid ${claim.pid} (${inspect(claim.command)} in ${inspect(claim.cwd)}) since ${claim.at}`
  }
  if (owners.length > 0) return `is in use by ${formatOwners(owners)}`
  const connection = (await socketsOfPort(port))?.find(({ kind }) => kind === 'connection')
  if (connection) {
    const { remote, owners } = connection
    const owner = owners.length > 0 ? ` by ${formatOwners(owners)}` : ''
    return `is the local port of a connection to ${remote}${owner}: the kernel gives such ports to outgoing connections`
  }
  return (await isSurelyFree(port))
    ? 'has just become free'
    : 'is in use by a program that cannot be identified, such as one of another user'
}

function formatOwners(owners: readonly PortOwner[]): string {
  const texts = owners.map(
    ({ pid, command, cwd }) =>
      `pid ${pid} (${inspect(command)}${cwd === undefined ? '' : ` in ${inspect(cwd)}`})`,
  )
  return texts.join(' and ')
}

function liveClaim(port: number, lockDirectory: string | undefined): ClaimNote | undefined {
  const note =
    lockDirectory === undefined ? undefined : readClaimNote(lockDirectory, port, hostIdentity())
  if (!note || note.died) return undefined
  const state = processStateOf(note.pid, note)
  return state === 'running' || (state === 'unknown' && isProcess(note.pid)) ? note : undefined
}

async function leasedSlice(
  port: number,
  lockDirectory: string | undefined,
): Promise<{ text: string; isLeased: boolean } | undefined> {
  const first = sliceOf(port)
  const last = sentinelOf(first)
  const slices = await listSlices(lockDirectory).catch((): SliceStatus[] => [])
  const held = slices.find((slice) => slice.first === first && slice.state === 'held')
  if (!held) return undefined
  const slice = `lies in the slice ${first}-${last}, which`
  // A claim of the last port looks like the slice's sentinel.
  if (!held.holder && port === last) return undefined
  if (!held.holder && liveClaim(last, lockDirectory)) {
    const text = `${slice} cannot be leased while port ${last} is claimed, and that port ${await describeUser(last, lockDirectory)}`
    return { text, isLeased: false }
  }
  return { text: `${slice} is leased by ${formatHolder(held.holder)}`, isLeased: true }
}
