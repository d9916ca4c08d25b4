import type { PortAllocator } from '../allocator/allocator.js'
import type { PortLease } from '../allocator/lease.js'
import { ownerOfBoundPort, watchBoundPorts } from '../api/bound-ports.js'
import { inspect, PortsliceError } from '../errors.js'
import { checkTakeOptions, type TakeOptions } from '../options/options.js'
import { assignToTest } from './recorded-allocator.js'
import type { RecordedUse } from './recorded-uses.js'

export interface LeakedPort {
  port: number
  label?: string
  /** Such as `the test "a > b"`; missing if it is unknown, or is the test that took the port. */
  boundBy?: string
}

/** In characters; enough to recognise a test. */
const MAX_OWNER_LENGTH = 200

/** The ports of one test, for fixtures. */
export class TestPorts {
  readonly #allocator: PortAllocator
  readonly #owner: string
  readonly #scope: 'test' | 'worker'
  readonly #taken: { lease: PortLease; label: string | undefined }[] = []
  readonly #uses: RecordedUse[] = []
  #hasEnded = false

  /** @param owner the test's name: the default label of its ports */
  constructor(allocator: PortAllocator, owner: string, scope: 'test' | 'worker' = 'test') {
    watchBoundPorts()
    this.#allocator = allocator
    this.#scope = scope
    this.#owner = owner.slice(0, MAX_OWNER_LENGTH)
  }

  get uses(): readonly RecordedUse[] {
    return this.#uses
  }

  /** @throws PortsliceError as `PortAllocator.take` does; ERR_PORTSLICE_CLOSED if the test has ended */
  async take(options: TakeOptions = {}): Promise<number> {
    checkTakeOptions(options) // Before it is spread: a string has keys as well.
    const lease = await this.#allocator.take({ label: this.#owner, ...options })
    if (this.#hasEnded) {
      await lease.release()
      throw new PortsliceError(
        'ERR_PORTSLICE_CLOSED',
        `${inspect(this.#owner)} ended before it got the port that it asked for.`,
        {
          advice:
            'Wait for the port with `await`. If all ports were taken for so long, widen the range, or give the test more time than `waitTimeout`.',
        },
      )
    }
    this.#taken.push({ lease, label: options.label })
    const use = this.#scope === 'test' ? assignToTest(lease, options.label) : undefined
    if (use) this.#uses.push(use)
    return lease.port
  }

  /** @returns the ports that have leaked */
  async release(): Promise<LeakedPort[]> {
    this.#hasEnded = true
    const leaked = await Promise.all(
      this.#taken.splice(0).map(async ({ lease, label }) => {
        const { leaked } = await lease.release()
        return leaked ? [leakedPort(lease.port, label, this.#owner)] : []
      }),
    )
    return leaked.flat()
  }

  /** Releases the ports on which nothing listens. @returns whether these were all */
  async releaseUnused(): Promise<boolean> {
    const used = await Promise.all(this.#taken.map(({ lease }) => lease.isListening()))
    const unused = this.#taken.filter((_, index) => !used[index])
    await Promise.all(
      unused.map(({ lease }) => {
        this.#taken.splice(
          this.#taken.findIndex((each) => each.lease === lease),
          1,
        )
        return lease.release()
      }),
    )
    return this.#taken.length === 0
  }
}

export function leakedPort(port: number, label: string | undefined, owner: string): LeakedPort {
  const boundBy = ownerOfBoundPort(port)
  return {
    port,
    ...(label !== undefined && { label }),
    ...(boundBy !== undefined && boundBy !== `the test "${owner}"` && { boundBy }),
  }
}

/** @param owner the test, as the first words of the sentence */
export function leakMessage(owner: string, leaked: readonly LeakedPort[]): string {
  const ports = leaked.map(({ port, label }) =>
    label === undefined ? `${port}` : `${port} (${JSON.stringify(label)})`,
  )
  const binders = leaked.flatMap(({ port, boundBy }) =>
    boundBy === undefined ? [] : [` Port ${port} was bound by ${boundBy}.`],
  )
  const [noun, verb] = ports.length === 1 ? ['port', 'is'] : ['ports', 'are']
  return `${owner} left ${noun} ${ports.join(', ')} in use: something still listens there after it ended.${binders.join('')} Close the server in the test; until then the ${noun} ${verb} not handed out again.`
}

/** For `onLeak: 'fail'`. @param owner the test, as the first words of the sentence */
export function leakError(owner: string, leaked: readonly LeakedPort[]): PortsliceError {
  return new PortsliceError('ERR_PORTSLICE_PORT_LEAKED', leakMessage(owner, leaked), {
    value: leaked.map(({ port }) => port),
    advice: "Or set `onLeak: 'warn'` to get a warning instead of a failure.",
  })
}
