import { kernelTime } from '../platform/kernel-time.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { KeyMemory } from '../slice/key-memory.js'
import { type SliceStart, sentinelOf } from '../slice/layout.js'
import type { LeasedSlice } from '../slice/leased-slice.js'
import { type PortOrder, type PortPurpose, PortTable } from '../slice/port-table.js'
import type { PortRecord } from '../slice/slice-record.js'
import type { LeftPort, PortUse, Refusal } from './coordinator.js'

export interface SliceConnection {
  take(uses: readonly PortUse[], slice: SliceStart): Promise<Refusal | undefined>
  releasePort(port: number, leaked: boolean): void
  releaseSlice(slice: SliceStart): Promise<void>
}

export class RemoteSlice implements LeasedSlice {
  readonly first: SliceStart
  readonly #projectRoot: string
  readonly #ports: PortTable
  readonly #connection: SliceConnection
  readonly #uses = new Map<number, PortUse>()
  isHeld = true
  #isClosing = false
  #givenBack: Promise<void> | undefined

  constructor(
    first: SliceStart,
    projectRoot: string,
    left: readonly LeftPort[],
    connection: SliceConnection,
  ) {
    this.first = first
    this.#projectRoot = projectRoot
    this.#ports = new PortTable(first, projectRoot)
    this.#connection = connection
    const keys = new KeyMemory()
    for (const { port, key, projectRoot } of left) {
      if (key !== undefined && projectRoot !== undefined) keys.note(port, { key, projectRoot })
    }
    this.#ports.load({ ports: [], keys })
    for (const each of left) if (each.leftMs > 0) this.#quarantine(each)
  }

  get last(): number {
    return sentinelOf(this.first)
  }

  get isInUse(): boolean {
    return this.#ports.isInUse
  }

  get isClosing(): boolean {
    return this.#isClosing
  }

  get counts(): Readonly<Record<PortRecord['state'], number>> {
    return this.#ports.counts
  }

  /** To hold it again after a lost connection. */
  get uses(): readonly PortUse[] {
    return [...this.#uses.values()]
  }

  *candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    if (this.isHeld) yield* this.#ports.candidates(keys, order)
  }

  isOut(port: number): boolean {
    return this.#ports.isOut(port)
  }

  quarantineLeft(port: number): number {
    return this.#ports.quarantineLeft(port)
  }

  async tryTake(
    first: number,
    purposes: readonly PortPurpose[],
    isUsable: (port: number) => boolean | Promise<boolean>,
  ): Promise<boolean> {
    if (this.#isClosing || !this.isHeld) return false
    const uses = purposes.map(({ label, key }, index) =>
      omitUndefined({
        port: first + index,
        label,
        key,
        projectRoot: key === undefined ? undefined : this.#projectRoot,
      }),
    )
    const ports = uses.map(({ port }) => port)
    this.#ports.reserve(ports)
    try {
      for (const port of ports) if (!(await isUsable(port))) return false
      const refusal = await this.#connection.take(uses, this.first)
      if (refusal) {
        const { refused, port, leftMs = 0 } = refusal
        if (refused === 'quarantined' && port !== undefined) this.#quarantine({ port, leftMs })
        return false
      }
      for (const [index, use] of uses.entries()) {
        this.#ports.take(use.port, purposes[index] as PortPurpose)
        this.#uses.set(use.port, use)
      }
      return true
    } finally {
      this.#ports.unreserve(ports)
      this.#closeIfUnused()
    }
  }

  release(port: number, leaked: boolean): void {
    this.#ports.release(port, leaked)
    this.#uses.delete(port)
    this.#connection.releasePort(port, leaked)
    this.#closeIfUnused()
  }

  #closeIfUnused(): void {
    if (this.#isClosing && !this.isInUse) void this.#giveBack()
  }

  async giveBackWhenUnused(): Promise<void> {
    this.#isClosing = true
    if (!this.isInUse) await this.#giveBack()
  }

  #giveBack(): Promise<void> {
    this.#givenBack ??= this.#connection.releaseSlice(this.first)
    return this.#givenBack
  }

  #quarantine({ port, label, key, projectRoot, leftMs }: LeftPort): void {
    // Processes of another machine cannot be seen, so a named port waits for the whole quarantine.
    this.#ports.quarantine(
      omitUndefined({ port, label, key, projectRoot, pidNamespace: 'of another machine' }),
      kernelTime(),
      leftMs,
    )
  }
}
