/** The error that says that there is no port, and who has them. */

import { PortsliceError } from '../errors.js'
import type { ResolvedOptions } from '../options/resolve.js'
import { formatShard } from '../options/shard.js'
import { formatHolder } from '../slice/format-holder.js'
import { formatRanges } from '../slice/layout.js'
import { listSlices, type SliceStatus } from '../slice/list-slices.js'

/** Holders named in the message; the rest are counted. */
const NAMED_HOLDERS = 10

/** @param shortage the system's error when it was sockets or files that were short, not ports */
export async function rangeExhausted(
  settings: ResolvedOptions,
  own: readonly { first: number }[],
  shortage: unknown,
): Promise<PortsliceError> {
  const { ranges, shard, waitTimeout } = settings
  const where = `the range ${formatRanges(ranges)}${shard?.isStrict ? ` (shard ${formatShard(shard)})` : ''}`
  const value = ranges.map(({ first, last }) => [first, last])
  if (shortage !== undefined) {
    return new PortsliceError(
      'ERR_PORTSLICE_RANGE_EXHAUSTED',
      `No port of ${where} could be had within ${waitTimeout} ms, because the system refuses more sockets or files: ${(shortage as Error).message}.`,
      {
        value,
        advice:
          "Close what this process has open, or raise its limit (`ulimit -n`) or the machine's (`sysctl fs.file-max`).",
        cause: shortage,
      },
    )
  }
  const allowed = new Set(settings.slices)
  const holders = (
    await listSlices({ lockDirectory: settings.lockDirectory ?? false }).catch(() => [])
  )
    .filter(({ first, state }) => state === 'held' && allowed.has(first))
    .map((slice) =>
      describe(
        slice,
        own.some(({ first }) => first === slice.first),
      ),
    )
  const more = holders.length - NAMED_HOLDERS
  const slices = `${allowed.size} ${allowed.size === 1 ? 'slice' : 'slices'} of ports, one or more for each worker`
  return new PortsliceError(
    'ERR_PORTSLICE_RANGE_EXHAUSTED',
    [
      `No port of ${where} became free within ${waitTimeout} ms. It holds ${slices}; ${
        holders.length > 0
          ? 'those in use:'
          : 'none of them is held now, so their ports are in use by other programs, in quarantine for 30 s after a crash, or locked from another network namespace.'
      }`,
      ...holders.slice(0, NAMED_HOLDERS),
      ...(more > 0 ? [`  … and ${more} more`] : []),
    ].join('\n'),
    {
      value,
      advice:
        'Wait until one of them has ended, release ports that are no longer needed, widen the range (option `range`, $PORTSLICE_RANGE), or raise `waitTimeout`.',
    },
  )
}

function describe({ first, last, holder, ports }: SliceStatus, isOwn: boolean): string {
  const out = ports.filter(({ state }) => state === 'out').length
  return `  ${first}-${last}: ${isOwn ? 'this process' : formatHolder(holder)}, ${out} ${out === 1 ? 'port' : 'ports'} out`
}
