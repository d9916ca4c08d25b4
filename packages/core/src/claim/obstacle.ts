/** What keeps a port from being claimed, and who that is: for people. */
import { sentinelOf, sliceOf } from '../arithmetic/slices.js'
import { PortsliceError } from '../errors.js'
import { listSlices } from '../list-slices.js'
import { ownersOf } from '../port/owner.js'
import { hostIdentity } from '../settings/system.js'
import { readNote } from './note.js'

/**
 * `claimed`: somebody else has claimed it, or has a UDP socket on it. `slice`: a worker has
 * leased the slice that it lies in. `listening`: a program that never asked listens on it.
 */
export type Obstacle = 'claimed' | 'slice' | 'listening'

/** A sentence without its end: who is in the way of this port. */
export async function describeObstacle(
  port: number,
  obstacle: Obstacle,
  lockDirectory: string,
): Promise<string> {
  if (obstacle === 'slice') return `port ${port} ${await sliceHolder(port, lockDirectory)}`
  const owners = await ownersOf(port)
  const note = obstacle === 'claimed' ? readNote(lockDirectory, port) : undefined
  const isNoted =
    note?.host === hostIdentity() &&
    (owners.length === 0 || owners.some(({ pid }) => pid === note.pid))
  if (note && isNoted) {
    return `port ${port} has been claimed by pid ${note.pid} (${JSON.stringify(note.command)} in ${JSON.stringify(note.cwd)}) since ${note.at}`
  }
  const who = owners.map(
    ({ pid, command, cwd }) =>
      `pid ${pid} (${JSON.stringify(command)}${cwd === undefined ? '' : ` in ${JSON.stringify(cwd)}`})`,
  )
  return `port ${port} is in use by ${who.join(' and ') || 'a program that this user may not look at'}`
}

async function sliceHolder(port: number, lockDirectory: string): Promise<string> {
  const slice = sliceOf(port)
  const slices = await listSlices({ lockDirectory }).catch(() => [])
  const holder = slices.find(({ first }) => first === slice)?.holder
  const who = holder
    ? `pid ${holder.pid}, ${holder.runner} worker ${holder.workerId} in ${JSON.stringify(holder.cwd)} since ${holder.since}`
    : 'somebody whose journal is not in this lock directory'
  return `lies in the slice ${slice}-${sentinelOf(slice)}, which is leased by ${who}`
}

export function claimTimeout(
  ports: readonly number[],
  timeout: number,
  obstacles: readonly string[],
): PortsliceError {
  const what = ports.length === 1 ? `Port ${ports[0]}` : `None of the ports ${ports.join(', ')}`
  const isInRange = obstacles.some((text) => text.includes('which is leased by'))
  return new PortsliceError(
    'ERR_PORTSLICE_CLAIM_TIMEOUT',
    [
      `${what} could ${ports.length === 1 ? 'not ' : ''}be claimed within ${timeout} ms:`,
      ...obstacles.map((text) => `  ${text}`),
    ].join('\n'),
    {
      value: ports.length === 1 ? ports[0] : ports,
      advice: `Wait until it has ended, end it, or raise \`timeout\`${
        isInRange
          ? '. Workers lease slices all over the range: keep fixed ports out of it (option `range`, $PORTSLICE_RANGE)'
          : ''
      }.`,
    },
  )
}
