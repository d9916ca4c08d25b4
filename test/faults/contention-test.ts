/** One that holds a slice, and others who want that very slice all the while. */
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestProcess } from '../support/process.ts'
import type { FaultProcesses } from './fault-processes.ts'
import type { Holding, Plan as HoldPlan } from './processes/hold-and-carry-on.ts'
import type { Fed } from './processes/hunger.ts'

/** ms; the longest that a slice may need to be had once its holder has given it back. */
const COMES_BACK = 30_000

export class ContentionTest {
  readonly holder: TestProcess
  readonly held: Holding
  readonly lockDirectory: string
  readonly #hungry: TestProcess[]
  readonly #fed: Promise<Fed>[]
  #earlyPorts: number[] = []
  #mayBeHad = false

  private constructor(
    holder: TestProcess,
    held: Holding,
    lockDirectory: string,
    hungry: TestProcess[],
  ) {
    this.holder = holder
    this.held = held
    this.lockDirectory = lockDirectory
    this.#hungry = hungry
    this.#fed = hungry.map(async (member) => {
      const fed = await member.hear<Fed>(600_000)
      if (!this.#mayBeHad) this.#earlyPorts.push(fed.port)
      return fed
    })
    // What goes wrong is told at the end.
    for (const fed of this.#fed) fed.catch(() => {})
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
    const holder = group.start('hold-and-carry-on', plan)
    const held = await holder.hear<Holding>()
    const hungry = [lockDirectory, `${lockDirectory}-of-others`].map((where) =>
      group.start('hunger', { range, lockDirectory: where, waitTimeout: 400 }),
    )
    return new ContentionTest(holder, held, lockDirectory, hungry)
  }

  /** Lets the holder go on, end, and leave its slice to the others; gives what went wrong. */
  async finish(): Promise<{ refused: number; broken: string[] }> {
    const { first, ports } = this.held
    this.holder.tell('carry on')
    const after = await this.holder.hear<Holding>()
    const broken = after.warnings.map((text) => `The holder of slice ${first} warned: ${text}`)
    const kept = after.ports.filter((port) => ports.includes(port))
    if (after.first !== first) broken.push(`The holder has lost slice ${first} to ${after.first}.`)
    if (kept.length !== ports.length - 1) broken.push(`The holder of slice ${first} lost ports.`)
    this.#mayBeHad = true
    this.holder.tell('end')
    await this.holder.untilEnded()
    return { broken, refused: await this.#feed(broken) }
  }

  /** As {@link finish}, for a holder that has been killed. */
  async leave(): Promise<{ refused: number; broken: string[] }> {
    const broken: string[] = []
    return { broken, refused: await this.#feed(broken) }
  }

  /** From now on the slice may be had by others. */
  release(): void {
    this.#mayBeHad = true
  }

  /** That the others do get the slice in the end shows that they wanted it. */
  async #feed(broken: string[]): Promise<number> {
    let refused = 0
    const deadline = sleep(COMES_BACK, undefined, { ref: false })
    for (const [index, member] of this.#hungry.entries()) {
      const fed = await Promise.race([this.#fed[index], deadline])
      if (!fed) broken.push(`Slice ${this.held.first} had not come back after ${COMES_BACK} ms.`)
      refused += fed?.refused ?? 0
      member.tell('end') // Has ended already, if it was fed.
      await member.untilEnded()
    }
    const early = this.#earlyPorts.map((port) => `Port ${port} was given to somebody else as well.`)
    broken.push(...early)
    return refused
  }
}
