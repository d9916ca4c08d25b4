import type { PortLease } from '../allocator/lease.js'
import type { ClaimObstacle } from '../claim/obstacle.js'
import { inspect, invalidOption, type PortsliceError } from '../errors.js'
import { isIterable, isPort } from '../options/validate.js'
import { loadLater } from '../platform/load-later.js'
import { LAST_PORT } from '../slice/layout.js'
import { canAssignPorts, type PortGroups } from './assign-ports.js'
import type { ClaimOptions } from './wait-for-claims.js'

export type { ClaimOptions }

const loadClaims = loadLater(() => import('./wait-for-claims.js'))

/**
 * Claims a fixed port, such as that of an OAuth redirect or of an app with a hard-coded port: one holder at a
 * time on the whole machine. Waits while another process has claimed the port or leased its slice, while a
 * program listens on it, and for 30 s after the death of a holder. A port in a slice of this process is taken
 * from that slice. Waiting is fair: the process that has waited longest tries most often, and calls of one
 * process are served in order. The claim is a UDP socket on 127.0.0.1: the app can serve TCP, but not UDP.
 *
 * @param port a port from 1 to 65535; or several, of which the first available one is claimed
 * @param options how long to wait
 * @throws PortsliceError ERR_PORTSLICE_CLAIM_TIMEOUT, naming the process that has the port; …_OPTION_INVALID,
 *   …_LOCK_DIRECTORY; the signal's reason when aborted
 * @example
 * await using claim = await claimPort(3000)
 * await startAppThatHasPort3000HardCoded()
 */
export async function claimPort(
  port: number | Iterable<number>,
  options: ClaimOptions = {},
): Promise<PortLease> {
  const ports = parsePorts(port, 'claimPort')
  const { waitForClaims } = await loadClaims()
  const [lease] = await waitForClaims([ports], options, {
    subject: ports.length === 1 ? `Port ${ports[0]}` : `None of the ports ${ports.join(', ')}`,
    value: ports.length === 1 ? ports[0] : ports,
  })
  return lease as PortLease
}

/**
 * Claims several fixed ports: all or none. Calls that want the same ports in a different order do not block
 * each other, because none keeps a port while it waits for the rest.
 *
 * @param ports for each port that is wanted, a port or several as for {@link claimPort}
 * @param options how long to wait
 * @returns the leases, in the order of `ports`
 * @throws PortsliceError as {@link claimPort} does
 * @example
 * const [web, api] = await claimPorts([3000, [8080, 8081]])
 */
export async function claimPorts(
  ports: Iterable<number | Iterable<number>>,
  options: ClaimOptions = {},
): Promise<PortLease[]> {
  if (!isIterable(ports)) throw invalidPorts('claimPorts', ports)
  const given = [...ports]
  const groups = given.map((port) => parsePorts(port, 'claimPorts'))
  if (groups.length === 0 || !canAssignPorts(groups)) throw invalidPorts('claimPorts', given)
  const names = groups.map((group) => group.join(' or '))
  const { waitForClaims } = await loadClaims()
  return waitForClaims(groups, options, {
    subject: names.length === 1 ? `Port ${names[0]}` : `All of the ports ${names.join(', ')}`,
    value: given,
  })
}

/** Like {@link claimPorts}; calls `onObstacles` when the wait begins, and every 2 s. */
export async function claimPortsWithProgress(
  groups: PortGroups,
  options: ClaimOptions & { onObstacles: (obstacles: readonly ClaimObstacle[]) => void },
): Promise<PortLease[]> {
  const { onObstacles, ...wait } = options
  const { waitForClaims } = await loadClaims()
  const wanted = { subject: `The ports ${groups.join(' ')}`, value: groups }
  return waitForClaims(groups, wait, wanted, onObstacles)
}

function parsePorts(given: unknown, method: string): readonly number[] {
  const ports: readonly unknown[] = isIterable(given) ? [...new Set(given)] : [given]
  if (ports.length > 0 && ports.every(isPort)) return ports
  throw invalidPorts(method, given)
}

function invalidPorts(method: string, value: unknown): PortsliceError {
  return invalidOption(
    `${method} was asked for ${inspect(value)}.`,
    value,
    method === 'claimPort'
      ? `Give a port from 1 to ${LAST_PORT}, or a list of such ports.`
      : `Give ports from 1 to ${LAST_PORT}, with a different one for each port that is wanted.`,
  )
}
