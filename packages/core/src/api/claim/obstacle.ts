/** What keeps a port from being claimed, and who that is: for people. */

import { PortsliceError } from '../../errors.js'
import { hostIdentity, isProcess } from '../../platform/host.js'
import { isSurelyFree } from '../../probe/free.js'
import { ownersOf } from '../../probe/owner.js'
import { formatHolder } from '../../slice/format-holder.js'
import { sentinelOf, sliceOf } from '../../slice/layout.js'
import { listSlices } from '../../slice/list-slices.js'
import { type ClaimNote, readNote } from './note.js'

/**
 * `claimed`: somebody else has claimed it, or has a UDP socket on it. `slice`: a worker has
 * leased the slice that it lies in. `listening`: a program that never asked listens on it.
 * `queue`: an earlier call of this process waits for it. `descriptors`: the system refuses sockets.
 */
export type Obstacle = 'claimed' | 'slice' | 'listening' | 'queue' | 'descriptors'

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

export async function describeObstacle(
  port: number,
  obstacle: Obstacle,
  lockDirectory: string,
): Promise<ClaimObstacle> {
  if (obstacle === 'descriptors') {
    const text = `port ${port} could not be looked at, because the system refuses more sockets or files`
    return { port, text, isLeased: false }
  }
  const waits = obstacle === 'queue' ? ' An earlier call of this process waits for it, too.' : ''
  const { who, isLeased } = (await sliceHolder(port, lockDirectory)) ?? {
    who: await owner(port, lockDirectory),
    isLeased: false,
  }
  return { port, text: `port ${port} ${who}${waits}`, isLeased }
}

/** Who has claimed it or listens on it, as a clause. */
async function owner(port: number, lockDirectory: string): Promise<string> {
  const owners = await ownersOf(port)
  const claim = claimNoted(port, lockDirectory)
  // A note is left by a death, and the port then somebody else's.
  if (claim && (owners.length === 0 || owners.some(({ pid }) => pid === claim.pid))) {
    return `has been claimed by pid ${claim.pid} (${JSON.stringify(claim.command)} in ${JSON.stringify(claim.cwd)}) since ${claim.at}`
  }
  const who = owners.map(
    ({ pid, command, cwd }) =>
      `pid ${pid} (${JSON.stringify(command)}${cwd === undefined ? '' : ` in ${JSON.stringify(cwd)}`})`,
  )
  if (who.length > 0) return `is in use by ${who.join(' and ')}`
  const isInUse = !(await isSurelyFree(port))
  return isInUse
    ? "is in use by a program of which nothing can be read, such as another user's"
    : 'has just become free'
}

/** The note of a process that lives. */
function claimNoted(port: number, lockDirectory: string): ClaimNote | undefined {
  const note = readNote(lockDirectory, port)
  return note?.host === hostIdentity() && isProcess(note.pid) ? note : undefined
}

/** By whom the slice is leased that the port lies in, as a clause; `undefined` when it is not. */
async function sliceHolder(
  port: number,
  lockDirectory: string,
): Promise<{ who: string; isLeased: boolean } | undefined> {
  const first = sliceOf(port)
  const last = sentinelOf(first)
  const slices = await listSlices({ lockDirectory }).catch(() => [])
  const held = slices.find((slice) => slice.first === first && slice.state === 'held')
  if (!held) return undefined
  const slice = `lies in the slice ${first}-${last}, which`
  // Nobody's slice is a claimed port that happens to be its last.
  if (!held.holder && port === last) return undefined
  if (!held.holder && claimNoted(last, lockDirectory)) {
    const who = `${slice} nobody can have while port ${last} is claimed, and that ${await owner(last, lockDirectory)}`
    return { who, isLeased: false }
  }
  return { who: `${slice} is leased by ${formatHolder(held.holder)}`, isLeased: true }
}

export function claimTimeout(
  ports: readonly number[],
  timeout: number,
  obstacles: readonly ClaimObstacle[],
): ClaimTimeoutError {
  const what = ports.length === 1 ? `Port ${ports[0]}` : `None of the ports ${ports.join(', ')}`
  const error = new PortsliceError(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
    [
      `${what} could ${ports.length === 1 ? 'not ' : ''}be claimed within ${timeout} ms:`,
      ...obstacles.map(({ text }) => `  ${text}`),
    ].join('\n'),
    {
      value: ports.length === 1 ? ports[0] : ports,
      advice: `Wait until it has ended, end it, or raise \`timeout\`${
        obstacles.some(({ isLeased }) => isLeased)
          ? '. Workers lease slices all over the range: keep fixed ports out of it (option `range`, $PORTSLICE_RANGE)'
          : ''
      }.`,
    },
  )
  return Object.assign(error, { obstacles })
}
