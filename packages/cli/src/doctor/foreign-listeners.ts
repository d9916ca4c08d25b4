import { processTable, type ResolvedOptions, system } from '@portslice/core/internal/inspect'
import { findOwnerNames, foreignPorts } from '../map/foreign-ports.js'
import { readRangeSnapshot } from '../map/range-snapshot.js'
import { listNames } from '../terminal/format.js'
import { type Finding, note, ok } from './finding.js'

const MAX_NAMED_LISTENERS = 12

/** Finds programs that listen inside the range without portslice. */
export async function foreignFinding({ ranges, slices }: ResolvedOptions): Promise<Finding> {
  const { snapshot, canSeeListeners } = await readRangeSnapshot(ranges, [...slices])
  if (!canSeeListeners) {
    return note(
      'foreign-listeners',
      system.hasProc
        ? 'Which other programs listen inside the range is unknown, because /proc/net cannot be read. Their ports are skipped anyway: portslice probes each port before it hands it out.'
        : 'Which other programs listen inside the range cannot be determined on this system.',
    )
  }
  const ports = foreignPorts(snapshot.slices).sort((a, b) => a - b)
  if (ports.length === 0) {
    return ok('foreign-listeners', 'Only programs that use portslice listen inside the range.')
  }
  const owners = await findOwnerNames(ports)
  const names = ports.map((port) => `${port} (${owners.get(port) ?? unknownOwner()})`)
  return note(
    'foreign-listeners',
    `Programs that do not use portslice listen inside the range: ${listNames(names, MAX_NAMED_LISTENERS)}. These ports are skipped.`,
    'Nothing needs to be done, unless they start and stop often: then exclude their ports with $PORTSLICE_RANGE.',
  )
}

function unknownOwner(): string {
  return ['own', 'none'].includes(processTable()) ? 'a program of another user' : 'unknown program'
}
