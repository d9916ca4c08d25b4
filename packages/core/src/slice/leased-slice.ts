import type { PortOrder, PortPurpose } from './port-table.js'
import type { PortRecord } from './slice-record.js'

/** On this machine or on another host. */
export interface LeasedSlice {
  readonly first: number
  readonly last: number
  /** Whether a port is out, or being probed. */
  readonly isInUse: boolean
  readonly counts: Readonly<Record<PortRecord['state'], number>>
  candidates(keys: readonly (string | undefined)[], order: PortOrder): Generator<number>
  isOut(port: number): boolean
  /** In ms. */
  quarantineLeft(port: number): number
  /** Takes consecutive ports if all are usable. @returns whether they are taken and recorded */
  tryTake(
    first: number,
    purposes: readonly PortPurpose[],
    isUsable: (port: number) => boolean | Promise<boolean>,
  ): Promise<boolean>
  release(port: number, leaked: boolean): void
  /** Once its last port, which may be a claimed one, is released. */
  giveBackWhenUnused(): Promise<void>
}
