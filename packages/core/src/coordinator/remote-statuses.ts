import type { ClaimStatus } from '../claim/list-claims.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { sentinelOf, sliceOf } from '../slice/layout.js'
import type { PortStatus, SliceStatus } from '../slice/list-slices.js'
import { holderFrom } from '../slice/slice-record.js'
import type { ListedPort, Listing } from './coordinator-session.js'

type IsListening = (port: number) => Promise<boolean>

/** The slices of another host, as `listSlices` returns them. */
export async function sliceStatuses(
  { slices, ports }: Listing,
  isListening: IsListening,
  now: number,
): Promise<SliceStatus[]> {
  const known = new Map(slices.map((slice) => [slice.first, slice]))
  const own = ports.filter(({ isClaim }) => !isClaim)
  const firsts = new Set([...known.keys(), ...own.map(({ port }) => sliceOf(port))])
  const statuses = [...firsts]
    .sort((a, b) => a - b)
    .map(async (first): Promise<SliceStatus> => {
      const { isHeld = false, holder, sinceMs = 0 } = known.get(first) ?? {}
      const inSlice = own.filter(({ port }) => sliceOf(port) === first)
      return omitUndefined({
        first,
        last: sentinelOf(first),
        state: isHeld ? ('held' as const) : ('abandoned' as const),
        holder: holder && holderFrom({ ...holder, at: new Date(sinceMs).toISOString() }),
        ports: await Promise.all(inSlice.map((port) => portStatus(port, isListening, now))),
      })
    })
  const all = await Promise.all(statuses)
  return all.filter(({ state, ports }) => state === 'held' || ports.length > 0)
}

export async function claimStatuses(
  { ports }: Listing,
  isListening: IsListening,
): Promise<ClaimStatus[]> {
  const claims = ports.filter(({ isClaim, state }) => isClaim && state === 'out')
  return Promise.all(
    claims.map(async ({ port, holder, sinceMs }) => ({
      port,
      pid: holder?.pid ?? 0,
      cwd: holder?.cwd ?? '',
      command: holder?.command ?? '',
      since: new Date(sinceMs).toISOString(),
      listening: await isListening(port),
    })),
  )
}

async function portStatus(
  { port, state, label, key, sinceMs, leftMs }: ListedPort,
  isListening: IsListening,
  now: number,
): Promise<PortStatus> {
  return omitUndefined({
    port,
    state,
    label,
    key,
    since: new Date(sinceMs).toISOString(),
    until: state === 'quarantined' ? new Date(now + leftMs).toISOString() : undefined,
    listening: await isListening(port),
  })
}
