import { type SliceStart, sentinelOf } from './layout.js'
import { type PortOrder, type PortPurpose, PortTable } from './port-table.js'
import type { PortRecord } from './slice-record.js'

export type IsUsable = (port: number) => boolean | Promise<boolean>

/** A slice that this process holds, of this machine or of another host. */
export abstract class LeasedSlice {
  readonly first: SliceStart
  protected readonly ports: PortTable
  protected givenBack: Promise<void> | undefined
  #isClosing = false

  constructor(first: SliceStart, projectRoot: string) {
    this.first = first
    this.ports = new PortTable(first, projectRoot)
  }

  get last(): number {
    return sentinelOf(this.first)
  }

  /** Whether a port is out, or being probed. */
  get isInUse(): boolean {
    return this.ports.isInUse
  }

  get counts(): Readonly<Record<PortRecord['state'], number>> {
    return this.ports.counts
  }

  candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number> {
    return this.ports.candidates(keys, order)
  }

  isOut(port: number): boolean {
    return this.ports.isOut(port)
  }

  quarantineLeftMs(port: number): number {
    return this.ports.quarantineLeftMs(port)
  }

  /** Takes consecutive ports if all are usable. @returns whether they are taken and recorded */
  async tryTake(
    first: number,
    purposes: readonly PortPurpose[],
    isUsable: IsUsable,
  ): Promise<boolean> {
    if (this.#isClosing) return false
    const ports = purposes.map((_, index) => first + index)
    this.ports.reserve(ports)
    try {
      return await this.take(ports, purposes, isUsable)
    } finally {
      this.ports.unreserve(ports)
      this.#giveBackIfClosing()
    }
  }

  release(port: number, leaked: boolean): void {
    this.recordRelease(port, leaked)
    this.#giveBackIfClosing()
  }

  #giveBackIfClosing(): void {
    if (this.#isClosing && !this.isInUse) void this.giveBack()
  }

  /** Gives the slice back as soon as no port is out. Claimed ports of the slice count too. */
  async giveBackWhenUnused(): Promise<void> {
    this.close()
    if (!this.isInUse) await this.giveBack()
  }

  /** Gives the slice back now. The next holder quarantines ports that are out. */
  giveBack(): Promise<void> {
    this.givenBack ??= this.end()
    return this.givenBack
  }

  /** From now on no port is taken. */
  protected close(): void {
    this.#isClosing = true
  }

  protected abstract take(
    ports: readonly number[],
    purposes: readonly PortPurpose[],
    isUsable: IsUsable,
  ): Promise<boolean>
  protected abstract recordRelease(port: number, leaked: boolean): void
  protected abstract end(): Promise<void>
}
