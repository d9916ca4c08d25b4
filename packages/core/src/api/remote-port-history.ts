import type { PortEvent } from '../claim/port-event.js'
import type { RemoteHost } from '../claim/remote-host.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import { holderFrom, QUARANTINE_MS } from '../slice/slice-record.js'
import type { PortHistory, PortUse } from './port-history-result.js'

/** Like `portHistory`, for a port of another host. */
export async function remotePortHistory(
  port: number,
  remote: RemoteHost,
): Promise<Omit<PortHistory, 'notHandedOut'>> {
  const first = sliceOf(port)
  const [slices, claims, events, listening] = await Promise.all([
    remote.listSlices(),
    remote.listClaims(),
    remote.history(port),
    remote.isListening(port),
  ])
  const status = slices.find((slice) => slice.first === first)
  const claim = claims.find((each) => each.port === port)
  const known = status?.ports.find((each) => each.port === port)
  const { label, key, until } = known ?? {}
  const state: PortHistory['state'] = claim
    ? 'claimed'
    : (known?.state ?? (listening ? 'foreign' : 'free'))
  return omitUndefined({
    port,
    host: remote.host,
    slice: omitUndefined({
      first,
      last: sentinelOf(first),
      state: status?.state ?? ('free' as const),
      holder: status?.holder,
    }),
    state,
    label,
    key,
    since: claim?.since ?? known?.since,
    until,
    listening,
    // Processes of another machine cannot be seen.
    processes: [] as PortHistory['processes'],
    claim,
    uses: usesFrom(events, state === 'out' || state === 'claimed'),
  })
}

/** @param events newest first @param isOut whether the last use has not ended @returns newest first */
function usesFrom(events: readonly PortEvent[], isOut: boolean): PortUse[] {
  const uses: PortUse[] = []
  let open: PortUse | undefined
  for (const { event, atMs, label, holder } of [...events].reverse()) {
    const at = new Date(atMs).toISOString()
    if (event === 'take') {
      open = omitUndefined({
        holder: holder && holderFrom({ ...holder, at }),
        label,
        since: at,
        end: 'died' as const,
      })
      uses.unshift(open)
    } else if (open && event === 'quarantine') {
      open.quarantinedUntil = new Date(atMs + QUARANTINE_MS).toISOString()
    } else if (open) {
      open.end = event === 'leak' ? 'leaked' : 'released'
      open.until = at
    }
  }
  const [last] = uses
  if (isOut && last?.end === 'died') last.end = 'out'
  return uses
}
