import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestProcess } from '../support/process.ts'
import type { FaultProcesses } from './fault-processes.ts'
import type { Holding, Plan as HoldPlan } from './processes/hold-slice.ts'
import type { Obtained } from './processes/lease-when-available.ts'

const OBTAIN_TIMEOUT_MS = 600_000
const SLICE_RETURN_TIMEOUT_MS = 60_000

/** A process that holds a slice, and others that want the same slice all the time. */
export class ContentionTest {
  readonly holder: TestProcess
  readonly held: Holding
  readonly lockDirectory: string
  readonly #competitors: TestProcess[]
  readonly #obtained: Promise<Obtained>[]
  #earlyPorts: number[] = []
  #isReleased = false

  private constructor(
    holder: TestProcess,
    held: Holding,
    lockDirectory: string,
    competitors: TestProcess[],
  ) {
    this.holder = holder
    this.held = held
    this.lockDirectory = lockDirectory
    this.#competitors = competitors
    this.#obtained = competitors.map(async (member) => {
      const obtained = await member.hear<Obtained>(OBTAIN_TIMEOUT_MS)
      if (!this.#isReleased) this.#earlyPorts.push(obtained.port)
      return obtained
    })
    // Errors are reported at the end.
    for (const obtained of this.#obtained) obtained.catch(() => {})
  }

  /** @param range of one slice, which all want */
  static async start(
    group: FaultProcesses,
    folder: string,
    range: readonly [number, number],
    block?: number,
  ): Promise<ContentionTest> {
    const lockDirectory = path.join(folder, `locks-${range[0]}`)
    const plan: HoldPlan = { options: { range, lockDirectory }, ...(block && { block }) }
    const holder = group.start('hold-slice', plan)
    const held = await holder.hear<Holding>()
    const competitors = [lockDirectory, `${lockDirectory}-of-others`].map((where) =>
      group.start('lease-when-available', { range, lockDirectory: where, waitTimeout: 400 }),
    )
    return new ContentionTest(holder, held, lockDirectory, competitors)
  }

  /** Lets the holder continue, end and leave its slice to the others; returns what went wrong. */
  async finish(): Promise<{ refused: number; broken: string[] }> {
    const { first, ports } = this.held
    this.holder.tell('carry on')
    const after = await this.holder.hear<Holding>()
    const broken = after.warnings.map((text) => `The holder of slice ${first} warned: ${text}`)
    const kept = after.ports.filter((port) => ports.includes(port))
    if (after.first !== first) broken.push(`The holder has lost slice ${first} to ${after.first}.`)
    if (kept.length !== ports.length - 1) broken.push(`The holder of slice ${first} lost ports.`)
    this.#isReleased = true
    this.holder.tell('end')
    await this.holder.untilEnded()
    return { broken, refused: await this.#untilObtained(broken) }
  }

  /** As {@link finish}, for a holder that has been killed. */
  async leave(): Promise<{ refused: number; broken: string[] }> {
    const broken: string[] = []
    return { broken, refused: await this.#untilObtained(broken) }
  }

  /** From now on others may have the slice. */
  release(): void {
    this.#isReleased = true
  }

  /** The others get the slice in the end: this shows that they wanted it. */
  async #untilObtained(broken: string[]): Promise<number> {
    let refused = 0
    const deadline = sleep(SLICE_RETURN_TIMEOUT_MS, undefined, { ref: false })
    for (const [index, member] of this.#competitors.entries()) {
      const obtained = await Promise.race([this.#obtained[index], deadline])
      if (!obtained)
        broken.push(
          `Slice ${this.held.first} was not leased again within ${SLICE_RETURN_TIMEOUT_MS} ms.`,
        )
      refused += obtained?.refused ?? 0
      member.tell('end') // Has ended already, if it got the slice.
      await member.untilEnded()
    }
    const early = this.#earlyPorts.map(
      (port) => `Port ${port} was given to another process as well.`,
    )
    broken.push(...early)
    return refused
  }
}
