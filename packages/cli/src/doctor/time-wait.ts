import {
  type EphemeralRange,
  ephemeralRange,
  formatRanges,
  guardWithTimeWait,
  listeningPorts,
  portsOf,
  probePort,
  type ResolvedOptions,
  sentinelOf,
  slicesIn,
  system,
  type TimeWaitGuard,
  tryToHoldUdpPort,
} from '@portslice/core/internal/inspect'
import { type Finding, note, ok } from './finding.js'
import { readSetting } from './system.js'

const MAX_SLICES_TO_TRY = 8

/** Checks whether TIME_WAIT can reserve an ephemeral port. The check reserves one port for 60 s. */
export async function timeWaitFinding(options: ResolvedOptions): Promise<Finding | undefined> {
  if (!system.hasProc) return undefined
  const slices = [...options.slices]
  const ephemeral = ephemeralRange()
  const inside = slices.filter(
    (slice) => slice <= ephemeral.last && sentinelOf(slice) >= ephemeral.first,
  )
  const canReadSockets = (await listeningPorts()) !== undefined
  const guard = canReadSockets ? await tryGuard(ephemeral) : 'unknown'
  return describeGuard(guard, inside.length, slices.length, ephemeral)
}

/**
 * @param guard `undefined` if no port could be tried
 * @param inside how many of the `total` slices contain ephemeral ports
 */
function describeGuard(
  guard: TimeWaitGuard | 'unknown' | undefined,
  inside: number,
  total: number,
  ephemeral: EphemeralRange,
): Finding | undefined {
  const range = formatRanges([ephemeral])
  if (guard === undefined || guard === 'taken') return undefined
  if (guard === 'guarded') {
    return ok('time-wait', `TIME_WAIT can reserve ports of ${range} for 60 s.`)
  }
  if (guard === 'unknown') {
    return note(
      'time-wait',
      `Whether TIME_WAIT can reserve ports of ${range} is unknown, because /proc/net cannot be read.`,
      `Use no ports of ${range}, or let this process read /proc/net.`,
    )
  }
  return {
    id: 'time-wait',
    level: inside === total ? 'problem' : 'note',
    message: [
      `TIME_WAIT has no effect here: net.ipv4.tcp_max_tw_buckets is ${readSetting('ipv4/tcp_max_tw_buckets') ?? 'unknown'}. The system may give a port of ${range} to an outgoing connection before the app binds it.`,
      inside > 0
        ? `${inside} of ${total} slices are in this range, and claimed ports may also be in it.`
        : 'The range that ports are leased from is outside; claimed ports may be inside.',
    ].join(' '),
    advice: `Lease and claim no ports of ${range}, or raise the setting: sysctl -w net.ipv4.tcp_max_tw_buckets=262144`,
  }
}

/** Starts at a slice that depends on the pid, because the port of an earlier check stays reserved for 60 s. */
async function tryGuard(ephemeral: EphemeralRange): Promise<TimeWaitGuard | undefined> {
  const slices = slicesIn(ephemeral)
  for (let i = 0; i < Math.min(MAX_SLICES_TO_TRY, slices.length); i++) {
    const slice = slices[(process.pid + i) % slices.length] as number
    const sentinel = await tryToHoldUdpPort(sentinelOf(slice))
    if (sentinel.state !== 'held') continue
    try {
      for (const port of portsOf(slice)) {
        if ((await probePort(port)).state !== 'free') continue
        const guard = await guardWithTimeWait(port)
        if (guard !== 'taken') return guard
      }
    } finally {
      await sentinel.held.close()
    }
  }
  return undefined
}
