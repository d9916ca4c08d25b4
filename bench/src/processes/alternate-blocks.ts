/** Measures operations in alternating blocks, and sends the time of each block. */
import { inTurns, type Samples } from '../compare.ts'

export interface Blocks {
  rounds: number
  /** Operations per block. */
  operations: number
}

/** µs per operation, for each block. */
export async function inBlocks<Name extends string>(
  kinds: Readonly<Record<Name, () => Promise<unknown>>>,
  { rounds, operations }: Blocks,
): Promise<Samples<Name>> {
  return inTurns(Object.keys(kinds) as Name[], rounds, async (name) => {
    const operation = kinds[name]
    const start = performance.now()
    for (let done = 0; done < operations; done++) await operation()
    return ((performance.now() - start) * 1000) / operations
  })
}
