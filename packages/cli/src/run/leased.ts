/** The ports of a run, leased. */
import { createAllocator, type PortLease } from '@portslice/core'
import { type AllocatorOptions, PortsliceError } from '@portslice/core/internal/inspect'
import { say } from '../terminal/say.js'
import type { PortVariable } from './names.js'
import type { GivenPort } from './ports.js'

/** Before that, a wait is not worth a line. ms */
const NOTICE_DELAY_MS = 1000
/** ms; as createAllocator has it. */
const DEFAULT_TIMEOUT_MS = 10_000

export interface LeaseOptions {
  variables: readonly PortVariable[]
  /** The preferred ports of each variable, in order; may be shorter than `variables`. */
  prefer: readonly (readonly number[])[]
  /** What a port without a name is for. */
  label: string
  options: Pick<AllocatorOptions, 'range' | 'shard'>
  /** How long to wait when all ports are taken, in ms. */
  timeout: number | undefined
}

/**
 * Leases a port for each variable; says for whom it waits, when it does. The end of this process
 * gives them back.
 *
 * @throws PortsliceError ERR_PORTSLICE_RANGE_EXHAUSTED after the time-out, and as createAllocator does
 */
export async function leasePorts({
  variables,
  prefer,
  label,
  options,
  timeout = DEFAULT_TIMEOUT_MS,
}: LeaseOptions): Promise<{ leases: PortLease[]; ports: GivenPort[] }> {
  let isWaiting = true
  const tell = async () => {
    const { obstaclesTo } = await import('./waiting.js')
    const obstacles = await obstaclesTo(options)
    if (isWaiting) say(`waiting: ${obstacles}`)
  }
  // What keeps it from telling is told by the error at the end, if there is one.
  const timer = setTimeout(() => void tell().catch(() => {}), NOTICE_DELAY_MS)
  const leases: PortLease[] = []
  const ports: GivenPort[] = []
  try {
    const allocator = await createAllocator({ ...options, waitTimeout: timeout })
    for (const [at, each] of variables.entries()) {
      const wanted = prefer[at] ?? []
      const lease = await allocator.take({ label: each.name ?? label, prefer: wanted })
      if (wanted.length > 0 && !wanted.includes(lease.port)) {
        say(`${wanted.join(', ')} cannot be had at once: $${each.variable} is ${lease.port}`)
      }
      leases.push(lease)
      ports.push({ ...each, port: lease.port })
    }
    return { leases, ports }
  } catch (error) {
    throw withCommandAdvice(error)
  } finally {
    isWaiting = false
    clearTimeout(timer)
  }
}

/** The library's advice names its options. Where the system is short of files it has no such. */
function withCommandAdvice(error: unknown): unknown {
  const isExhausted =
    error instanceof PortsliceError && error.code === 'ERR_PORTSLICE_RANGE_EXHAUSTED'
  if (!isExhausted || error.cause !== undefined) return error
  return new PortsliceError(error.code, error.problem, {
    value: error.value,
    advice:
      "Wait until one of them has ended ('portslice list' tells who and where), widen the range with --range FIRST-LAST or $PORTSLICE_RANGE, or wait longer with --timeout SECONDS.",
    cause: error,
  })
}
