import { appendFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { PortAllocator } from '../allocator/allocator.js'
import type { PortLease } from '../allocator/lease.js'
import type { TakeOptions } from '../options/options.js'
import { detectWorker } from '../options/worker.js'
import { Date } from '../platform/clock.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import type { RecordedUse, SliceUse, WorkerUse } from './recorded-uses.js'

/** Reporters set it for their workers: the reporter's pid, and a file for ports released after the last test. */
const REPORT_VARIABLE = 'PORTSLICE_REPORT'

export function requestPortReport(): void {
  const file = path.join(os.tmpdir(), `portslice-report-${crypto.randomUUID()}.ndjson`)
  process.env[REPORT_VARIABLE] = `${process.pid} ${file}`
}

export function isPortReportRequested(): boolean {
  return process.env[REPORT_VARIABLE] !== undefined
}

/** `undefined` if the reporter belongs to an outer run, which has started this one. */
function reportFile(): string | undefined {
  const [, pid, file] = /^(\d+) (.+)$/.exec(process.env[REPORT_VARIABLE] ?? '') ?? []
  return [process.pid, process.ppid].includes(Number(pid)) ? file : undefined
}

/** Returns, once, the ports that workers have released after their last test. */
export function takeLateUses(): WorkerUse[] {
  const file = reportFile()
  if (file === undefined || !existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n')
  rmSync(file, { force: true })
  return lines.flatMap((line) => {
    try {
      return [JSON.parse(line) as WorkerUse]
    } catch {
      return [] // Empty, or of a worker that was killed while it wrote.
    }
  })
}

function noteLateUse(use: RecordedUse): void {
  const file = reportFile()
  if (file === undefined) return
  const late: WorkerUse = { ...thisWorker(), slices: [], ports: [use] }
  try {
    appendFileSync(file, `${JSON.stringify(late)}\n`, { mode: 0o600 })
  } catch {} // For example the disk is full; the report then lacks this use.
}

const recorded = new WeakMap<PortAllocator, RecordedAllocator>()
const uses = new WeakMap<PortLease, RecordedUse>()
/** Uses that belong to no test; removed when reported as released. */
const workerUses = new Set<RecordedUse>()
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

/** Assigns the port to a test, whose name is the default label. */
export function assignToTest(lease: PortLease, label: string | undefined): RecordedUse | undefined {
  const use = uses.get(lease)
  if (!use) return undefined
  workerUses.delete(use)
  if (label === undefined) delete use.label
  return use
}

/** Returns the uses that belong to no test. Ports that are still out are returned again next time. */
export function takeWorkerUse(): WorkerUse {
  const ports = [...workerUses]
  for (const use of ports) if (use.releasedAt !== undefined) workerUses.delete(use)
  return { ...thisWorker(), slices: sliceUses.splice(0), ports: structuredClone(ports) }
}

function thisWorker(): Pick<WorkerUse, 'id' | 'pid'> {
  return { id: detectWorker().workerId, pid: process.pid }
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
    const [lease] = await this.#record(async () => [await this.#allocator.take(options)])
    return lease as PortLease
  }

  takeMany(
    ports: number | readonly Omit<TakeOptions, 'signal'>[],
    options?: TakeOptions,
  ): Promise<PortLease[]> {
    return this.#record(() => this.#allocator.takeMany(ports, options))
  }

  takeBlock(count: number, options?: TakeOptions): Promise<PortLease[]> {
    return this.#record(() => this.#allocator.takeBlock(count, options))
  }

  async #record(take: () => Promise<PortLease[]>): Promise<PortLease[]> {
    const requestedAt = Date.now()
    const leases = await take()
    const takenAt = Date.now()
    const observer = isPortReportRequested() ? await import('./observe-ports.js') : undefined
    return leases.map((lease) => {
      const { port, label } = lease
      const use: RecordedUse = omitUndefined({ port, label, requestedAt, takenAt })
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
  declare readonly host?: string
  readonly #lease: PortLease
  readonly #use: RecordedUse
  readonly #beforeRelease: () => Promise<void> | undefined

  constructor(lease: PortLease, use: RecordedUse, beforeRelease: () => Promise<void> | undefined) {
    if (lease.label !== undefined) this.label = lease.label
    if (lease.host !== undefined) this.host = lease.host
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
    if (workerUses.has(this.#use)) noteLateUse(this.#use)
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release()
  }
}
