import { kernelTime } from '../platform/kernel-time.js'
import { omitUndefined } from '../platform/omit-undefined.js'
import { KeyMemory } from '../slice/key-memory.js'
import type { SliceStart } from '../slice/layout.js'
import { type IsUsable, LeasedSlice } from '../slice/leased-slice.js'
import type { PortPurpose } from '../slice/port-table.js'
import type { LeftPort, PortUse, Refusal } from './coordinator-session.js'

export interface SliceConnection {
  take(uses: readonly PortUse[], slice: SliceStart): Promise<Refusal | undefined>
  releasePort(port: number, leaked: boolean): void
  releaseSlice(slice: SliceStart): Promise<void>
}

/** A slice of another host, held through the coordinator. */
export class RemoteSlice extends LeasedSlice {
  readonly #projectRoot: string
  readonly #connection: SliceConnection
  readonly #uses = new Map<number, PortUse>()
  /** False after a lost connection, until the coordinator confirms that no other process has it. */
  isHeld = true

  constructor(
    first: SliceStart,
    projectRoot: string,
    left: readonly LeftPort[],
    connection: SliceConnection,
  ) {
    super(first, projectRoot)
    this.#projectRoot = projectRoot
    this.#connection = connection
    const keys = new KeyMemory()
    for (const { port, key, projectRoot } of left) {
      if (key !== undefined && projectRoot !== undefined) keys.note(port, { key, projectRoot })
    }
    this.ports.load({ ports: [], keys })
    for (const each of left) if (each.leftMs > 0) this.#quarantine(each)
  }

  /** The ports to hold again after a lost connection. */
  get uses(): readonly PortUse[] {
    return [...this.#uses.values()]
  }

  protected override async take(
    ports: readonly number[],
    purposes: readonly PortPurpose[],
    isUsable: IsUsable,
  ): Promise<boolean> {
    if (!this.isHeld) return false
    for (const port of ports) if (!(await isUsable(port))) return false
    const uses = purposes.map(({ label, key }, index) =>
      omitUndefined({
        port: ports[index] as number,
        label,
        key,
        projectRoot: key === undefined ? undefined : this.#projectRoot,
      }),
    )
    const refusal = await this.#connection.take(uses, this.first)
    if (refusal) {
      const { refused, port, leftMs = 0 } = refusal
      if (refused === 'quarantined' && port !== undefined) this.#quarantine({ port, leftMs })
      return false
    }
    for (const use of uses) {
      this.ports.take(use.port, use)
      this.#uses.set(use.port, use)
    }
    return true
  }

  protected override recordRelease(port: number, leaked: boolean): void {
    this.ports.release(port, leaked)
    this.#uses.delete(port)
    this.#connection.releasePort(port, leaked)
  }

  protected override end(): Promise<void> {
    return this.#connection.releaseSlice(this.first)
  }

  #quarantine({ port, label, key, projectRoot, leftMs }: LeftPort): void {
    // Processes of another machine cannot be seen, so a named port waits for the whole quarantine.
    this.ports.quarantine(
      omitUndefined({ port, label, key, projectRoot, pidNamespace: 'of another machine' }),
      kernelTime(),
      leftMs,
    )
  }
}
