import {
  type ClaimStatus,
  ephemeralRange,
  formatRanges,
  listClaims,
  type PortSocket,
  socketsOfPort,
} from '@portslice/core/internal/inspect'
import { formatClaimant } from '../list/format-holder.js'
import { formatOwner } from '../map/foreign-ports.js'
import { pluralize } from '../terminal/format.js'
import { type Finding, note } from './finding.js'

/** Finds claimed ports that no app can bind because an outgoing connection uses them. */
export async function claimsFinding(): Promise<Finding | undefined> {
  const claims = await listClaims()
  const uses = await Promise.all(claims.map(({ port }) => socketsOfPort(port)))
  return describeClaims(claims, uses)
}

/** @param uses the sockets of each claimed port; `undefined` if unknown */
export function describeClaims(
  claims: readonly ClaimStatus[],
  uses: readonly (readonly PortSocket[] | undefined)[],
): Finding | undefined {
  if (claims.length === 0) return undefined
  if (uses.includes(undefined)) {
    return note(
      'claims',
      `${pluralize(claims.length, 'port')} claimed. Whether connections of other programs occupy them is unknown, because /proc/net cannot be read.`,
      'Let this process read /proc/net.',
    )
  }
  const connected = claims.flatMap((claim, index) => {
    const found = uses[index] ?? []
    // The connections of a server also use its port.
    if (found.some(({ kind }) => kind === 'listener')) return []
    const connection = found.find(({ kind }) => kind === 'connection')
    return connection ? [connectionText(claim, connection)] : []
  })
  if (connected.length === 0) return undefined
  return note(
    'claims',
    `${connected.join('. ')}. An app cannot bind such a port before the connection has ended.`,
    `End the program that has the connection, or claim a port outside of ${formatRanges([ephemeralRange()])}, which the system gives to connections.`,
  )
}

function connectionText(claim: ClaimStatus, { remote, owners }: PortSocket): string {
  const [owner] = owners
  const whose = owner ? formatOwner(owner) : 'an unknown process'
  return `Port ${claim.port} is claimed by ${formatClaimant(claim)}, but occupied by a connection of ${whose} to ${remote ?? 'an unknown address'}`
}
