import type { RemoteHost } from '../claim/remote-host.js'
import { PortsliceError } from '../errors.js'
import type { ResolvedOptions } from '../options/resolve.js'
import { formatShard } from '../options/shard.js'
import { loadLater } from '../platform/load-later.js'
import { formatRanges } from '../slice/layout.js'
import type { LeasedSlice } from '../slice/leased-slice.js'

const loadHolders = loadLater(() => import('./describe-holders.js'))

/** The message only counts further holders. */
const MAX_NAMED_HOLDERS = 10

export function bindNotPermittedError(
  { ranges }: ResolvedOptions,
  refusal: unknown,
): PortsliceError {
  return new PortsliceError(
    'ERR_PORTSLICE_NO_SOCKET',
    `This process may not bind any port of the range ${formatRanges(ranges)} (${(refusal as Error).message}).`,
    {
      value: ranges.map(({ first, last }) => [first, last]),
      advice:
        'A sandbox, a security policy (Landlock, SELinux, seccomp) or net.ipv4.ip_unprivileged_port_start forbids it: allow TCP and UDP sockets to be bound there, or set another range (option `range`, $PORTSLICE_RANGE). `npx portslice doctor` shows what is refused.',
      cause: refusal,
    },
  )
}

export async function rangeExhaustedError(
  options: ResolvedOptions,
  remote: RemoteHost | undefined,
  own: readonly LeasedSlice[],
  { shortage, refusal }: { shortage?: unknown; refusal?: unknown },
): Promise<PortsliceError> {
  const { ranges, shard, waitTimeout } = options
  const on = options.remote ? ` of ${options.remote.host}` : ''
  const where = `the range ${formatRanges(ranges)}${on}${shard?.isStrict ? ` (shard ${formatShard(shard)})` : ''}`
  const value = ranges.map(({ first, last }) => [first, last])
  if (shortage !== undefined) {
    return new PortsliceError(
      'ERR_PORTSLICE_RANGE_EXHAUSTED',
      `No port of ${where} was available within ${waitTimeout} ms, because the system refuses more sockets or files: ${(shortage as Error).message}.`,
      {
        value,
        advice:
          "Close what this process has open, or raise its limit (`ulimit -n`) or the machine's (`sysctl fs.file-max`).",
        cause: shortage,
      },
    )
  }
  const allowed = new Set(options.slices)
  const holders = await tryToDescribeHolders(options, remote, own)
  const more = (holders?.length ?? 0) - MAX_NAMED_HOLDERS
  const slices = `${allowed.size} ${allowed.size === 1 ? 'slice' : 'slices'} of ports, one or more for each worker`
  return new PortsliceError(
    'ERR_PORTSLICE_RANGE_EXHAUSTED',
    [
      `No port of ${where} became free within ${waitTimeout} ms. It holds ${slices}${introduce(holders)}`,
      ...(holders ?? []).slice(0, MAX_NAMED_HOLDERS),
      ...(more > 0 ? [`  … and ${more} more`] : []),
      ...(remote?.trouble === undefined ? [] : [`  ${remote.trouble}`]),
      ...(refusal === undefined
        ? []
        : [`  This process may not bind some of the ports (${(refusal as Error).message}).`]),
    ].join('\n'),
    {
      value,
      advice:
        'Wait until one of them has ended, release ports that are no longer needed, widen the range (option `range`, $PORTSLICE_RANGE), or raise `waitTimeout`.',
    },
  )
}

/** `undefined` if the holders cannot be listed: the code for that cannot be loaded after the end of a vm context. */
async function tryToDescribeHolders(
  ...about: Parameters<Awaited<ReturnType<typeof loadHolders>>['describeHolders']>
): Promise<readonly string[] | undefined> {
  try {
    const described = await loadHolders()
    return await described.describeHolders(...about)
  } catch {
    return undefined
  }
}

function introduce(holders: readonly string[] | undefined): string {
  if (!holders) return '.'
  return holders.length > 0
    ? '; those in use:'
    : '; none of them is held now: their ports are in use by other programs, quarantined for 30 s after a crash, or locked from another network namespace.'
}
