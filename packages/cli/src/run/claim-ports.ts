import { claimPort, type PortLease } from '@portslice/core'
import { PortsliceError } from '@portslice/core/inspect'

/**
 * Claims a port for each argument, all of them or none; of a list, one.
 *
 * It never waits for one port while it holds another, so that two that ask in different orders do
 * not wait for each other.
 *
 * @returns the leases in the order of `ports`
 * @throws PortsliceError ERR_PORTSLICE_CLAIM_TIMEOUT, with the obstacles of the port that is missing
 */
export async function claimPorts(
  ports: readonly (readonly number[])[],
  { timeout }: { timeout: number },
): Promise<PortLease[]> {
  const end = performance.now() + timeout
  let waitedFor = 0
  for (;;) {
    const leases: PortLease[] = []
    // The one that was missing last comes first: it is waited for with nothing in hand.
    const order = [waitedFor, ...ports.keys()].filter((at, i) => i === 0 || at !== waitedFor)
    try {
      for (const at of order) {
        const left = Math.max(0, end - performance.now())
        waitedFor = at
        leases[at] = await claimPort(ports[at] as number[], { timeout: at === order[0] ? left : 0 })
      }
      return leases
    } catch (error) {
      await Promise.all(Object.values(leases).map((lease) => lease.release()))
      if (!isClaimTimeout(error) || performance.now() >= end) throw error
    }
  }
}

export function isClaimTimeout(error: unknown): boolean {
  return error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_CLAIM_TIMEOUT'
}
