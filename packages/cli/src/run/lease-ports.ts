import { createAllocator, type PortAllocator, type PortLease } from '@portslice/core'
import { type AllocatorOptions, PortsliceError } from '@portslice/core/internal/inspect'
import { printNotice } from '../terminal/print.js'
import type { AssignedPort } from './pass-ports.js'
import type { PortVariable } from './port-variables.js'

const NOTICE_DELAY_MS = 1000
const DEFAULT_TIMEOUT_MS = 10_000

export interface LeaseOptions {
  variables: readonly PortVariable[]
  /** The preferred ports of the first variables, in order. */
  prefer: readonly (readonly number[])[]
  label: string
  options: Pick<AllocatorOptions, 'range' | 'shard'>
  timeout: number | undefined
}

/**
 * Leases a port for each variable. If it has to wait, it prints the obstacles.
 *
 * @throws PortsliceError ERR_PORTSLICE_RANGE_EXHAUSTED after the timeout; errors of `createAllocator`
 */
export async function leasePorts({
  variables,
  prefer,
  label,
  options,
  timeout = DEFAULT_TIMEOUT_MS,
}: LeaseOptions): Promise<{ leases: PortLease[]; ports: AssignedPort[] }> {
  let isWaiting = true
  const report = async () => {
    const { describeObstacles } = await import('./describe-obstacles.js')
    const obstacles = await describeObstacles(options)
    if (isWaiting) printNotice(`waiting: ${obstacles}`)
  }
  // A failed report must not end the wait.
  const timer = setTimeout(() => void report().catch(() => {}), NOTICE_DELAY_MS)
  let allocator: PortAllocator | undefined
  try {
    allocator = await createAllocator({ ...options, waitTimeout: timeout })
    // All ports or none. Otherwise two runs that each want most of the range would block each other.
    const leases = await allocator.takeMany(
      variables.map(({ name = label }, index) => ({ label: name, prefer: prefer[index] ?? [] })),
    )
    const ports = variables.map((each, index) => ({
      ...each,
      port: (leases[index] as PortLease).port,
    }))
    for (const [index, { variable, port }] of ports.entries()) {
      const wanted = prefer[index] ?? []
      if (wanted.length > 0 && !wanted.includes(port)) {
        printNotice(`${wanted.join(', ')} not available now: $${variable} is ${port}`)
      }
    }
    return { leases, ports }
  } catch (error) {
    // Ports that are still out when this process ends would be quarantined.
    await allocator?.close()
    throw withCommandAdvice(error)
  } finally {
    isWaiting = false
    clearTimeout(timer)
  }
}

/** Replaces the advice of the library by one with the options of the command, unless the error has a cause. */
function withCommandAdvice(error: unknown): unknown {
  const isExhausted =
    error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_RANGE_EXHAUSTED'
  if (!isExhausted || error.cause !== undefined) return error
  return new PortsliceError(error.code, error.problem, {
    value: error.value,
    advice:
      "Wait until a holder has ended ('portslice list' shows them), widen the range with --range FIRST-LAST or $PORTSLICE_RANGE, or wait longer with --timeout SECONDS.",
    cause: error,
  })
}
