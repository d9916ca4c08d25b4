/** A key, and the project in which it is valid. */
export interface KeyUse {
  readonly key: string
  readonly projectRoot: string
}

/** Which port each key had last. */
export class KeyMemory {
  readonly #byPort = new Map<number, KeyUse>()
  readonly #byKey = new Map<string, number>()

  note(port: number, use: KeyUse | undefined): void {
    this.#forget(port, this.#byPort.get(port))
    if (use === undefined) return
    this.#forget(this.#byKey.get(idOf(use)), use)
    this.#byPort.set(port, use)
    this.#byKey.set(idOf(use), port)
  }

  #forget(port: number | undefined, use: KeyUse | undefined): void {
    if (port === undefined || use === undefined) return
    this.#byPort.delete(port)
    this.#byKey.delete(idOf(use))
  }

  portOf(use: KeyUse): number | undefined {
    return this.#byKey.get(idOf(use))
  }

  isForAnother(port: number, use: KeyUse | undefined): boolean {
    const last = this.#byPort.get(port)
    return last !== undefined && !isSameUse(last, use)
  }

  [Symbol.iterator](): Iterator<[port: number, use: KeyUse]> {
    return this.#byPort[Symbol.iterator]()
  }
}

function idOf({ key, projectRoot }: KeyUse): string {
  return `${key}\0${projectRoot}`
}

export function isSameUse(one: KeyUse | undefined, other: KeyUse | undefined): boolean {
  return one !== undefined && other !== undefined && idOf(one) === idOf(other)
}

const NAMED = 'named:'

export function namedKey(variable: string): string {
  return NAMED + variable
}

export function variableOfKey(key: string): string | undefined {
  return key.startsWith(NAMED) ? key.slice(NAMED.length) : undefined
}
