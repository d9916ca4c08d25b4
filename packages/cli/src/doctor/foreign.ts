/** Programs inside the range that never asked, and what the dead have left. */
import {
  listClaims,
  listeningPorts,
  listSlices,
  processTable,
  type ResolvedOptions,
  removeLeftovers,
} from '@portslice/core/internal/inspect'
import { foreignOwners } from '../map/owners.js'
import { pictureOf } from '../map/picture.js'
import type { Finding } from './finding.js'

/** Listeners named in a message; the rest are counted. */
const NAMED = 12

export async function foreignFinding({ ranges, slices }: ResolvedOptions): Promise<Finding> {
  const [statuses, claims, listening] = await Promise.all([
    listSlices(),
    listClaims(),
    listeningPorts(),
  ])
  if (!listening) {
    return {
      id: 'foreign-listeners',
      level: 'note',
      message:
        process.platform === 'linux'
          ? 'Which programs listen inside the range cannot be read, as /proc/net cannot. Their ports are skipped all the same: each port is tried before it is handed out.'
          : 'Which programs listen inside the range cannot be told on this system.',
    }
  }
  const picture = pictureOf(ranges, slices, statuses, claims, listening)
  const ports = picture.slices
    .flatMap(({ first, ports }) =>
      ports.flatMap((state, offset) => (state === 'foreign' ? [first + offset] : [])),
    )
    .sort((a, b) => a - b)
  if (ports.length === 0) {
    return {
      id: 'foreign-listeners',
      level: 'ok',
      message: 'No program that never asked listens inside the range.',
    }
  }
  const owners = await foreignOwners(picture)
  const names = ports
    .slice(0, NAMED)
    .map((port) => `${port} (${owners.get(port) ?? unknownOwner()})`)
  const more = ports.length - NAMED
  return {
    id: 'foreign-listeners',
    level: 'note',
    message: `Programs that never asked listen inside the range: ${names.join(', ')}${more > 0 ? `, and ${more} more` : ''}. These ports are skipped.`,
    advice:
      'Nothing needs to be done, unless they come and go: then keep them out of the range with $PORTSLICE_RANGE.',
  }
}

/** The table of processes, not the socket, tells who has a port. */
function unknownOwner(): string {
  return ['own', 'none'].includes(processTable())
    ? 'a program of another user'
    : 'its program cannot be told'
}

/** @throws PortsliceError as `removeLeftovers` does */
export async function leftBehindFinding(): Promise<Finding[]> {
  const left = (await removeLeftovers({ dryRun: true })).filter(({ kept }) => kept === undefined)
  if (left.length === 0) return []
  return [
    {
      id: 'left-behind',
      level: 'ok',
      message: `Processes that have ended left files of ${left.length} ${left.length === 1 ? 'slice' : 'slices'}, which do no harm; 'portslice clean' removes them.`,
    },
  ]
}
