import type { PortAllocator } from '../allocator/allocator.js'
import type { PortLease } from '../allocator/lease.js'
import type { TakeOptions } from '../options/options.js'
import { detectWorker } from '../options/worker.js'
import { Date } from '../platform/clock.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import type { PortUse, SliceUse, WorkerUse } from './port-use.js'

/** Set by the reporters in the main process, for their workers. */
const REPORT_VARIABLE = 'PORTSLICE_REPORT'

export function requestPortReport(): void {
  process.env[REPORT_VARIABLE] = '1'
}

export function isPortReportRequested(): boolean {
  return process.env[REPORT_VARIABLE] === '1'
}

const recorded = new WeakMap<PortAllocator, RecordedAllocator>()
const uses = new WeakMap<PortLease, PortUse>()
/** Ports that belong to no test, and were not reported since they changed. */
const workerUses = new Set<PortUse>()
const sliceUses: SliceUse[] = []

/** Records which ports are taken, for the test runner's reporters. */
export async function recordAllocator(open: () => Promise<PortAllocator>): Promise<PortAllocator> {
  const requestedAt = Date.now()
  const allocator = await open()
  const known = recorded.get(allocator)
  if (known) return known
  const leasedAt = Date.now()
  sliceUses.push(
    ...allocator.slices.map(({ first, last }) => ({ first, last, requestedAt, leasedAt })),
  )
  const created = new RecordedAllocator(allocator)
  recorded.set(allocator, created)
  return created
}

/** From now on the port belongs to a test, whose name is the default label. */
export function useOfTest(lease: PortLease, label: string | undefined): PortUse | undefined {
  const use = uses.get(lease)
  if (!use) return undefined
  workerUses.delete(use)
  if (label === undefined) delete use.label
  return use
}

/** Each change is returned at least once. */
export function takeWorkerUse(): WorkerUse {
  const ports = [...workerUses]
  for (const use of ports) if (use.releasedAt !== undefined) workerUses.delete(use)
  return {
    id: detectWorker().workerId,
    pid: process.pid,
    slices: sliceUses.splice(0),
    ports: structuredClone(ports),
  }
}

class RecordedAllocator implements PortAllocator {
  readonly #allocator: PortAllocator

  constructor(allocator: PortAllocator) {
    this.#allocator = allocator
  }

  get slices() {
    return this.#allocator.slices
  }

  async take(options?: TakeOptions): Promise<PortLease> {
    const [lease] = await this.#record(options, async () => [await this.#allocator.take(options)])
    return lease as PortLease
  }

  takeMany(count: number, options?: TakeOptions): Promise<PortLease[]> {
    return this.#record(options, () => this.#allocator.takeMany(count, options))
  }

  takeBlock(count: number, options?: TakeOptions): Promise<PortLease[]> {
    return this.#record(options, () => this.#allocator.takeBlock(count, options))
  }

  async #record(
    options: TakeOptions | undefined,
    take: () => Promise<PortLease[]>,
  ): Promise<PortLease[]> {
    const requestedAt = Date.now()
    const leases = await take()
    const takenAt = Date.now()
    const observer = isPortReportRequested() ? await import('./observe-ports.js') : undefined
    return leases.map((lease) => {
      const { label } = options ?? {}
      const use: PortUse = omitUndefined({ port: lease.port, label, requestedAt, takenAt })
      observer?.observe(use)
      workerUses.add(use)
      const result = new RecordedLease(lease, use, () => observer?.stopObserving(use))
      uses.set(result, use)
      return result
    })
  }

  close(): Promise<void> {
    return this.#allocator.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }
}

class RecordedLease implements PortLease {
  declare readonly label?: string
  readonly #lease: PortLease
  readonly #use: PortUse
  readonly #beforeRelease: () => Promise<void> | undefined

  constructor(lease: PortLease, use: PortUse, beforeRelease: () => Promise<void> | undefined) {
    if (lease.label !== undefined) this.label = lease.label
    this.#lease = lease
    this.#use = use
    this.#beforeRelease = beforeRelease
  }

  get port(): number {
    return this.#lease.port
  }

  isListening(): Promise<boolean> {
    return this.#lease.isListening()
  }

  untilListening(options?: { timeout?: number; signal?: AbortSignal }): Promise<void> {
    return this.#lease.untilListening(options)
  }

  async release(): Promise<{ leaked: boolean }> {
    await this.#beforeRelease()
    const result = await this.#lease.release()
    this.#use.releasedAt ??= Date.now()
    if (result.leaked) this.#use.leaked = true
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
