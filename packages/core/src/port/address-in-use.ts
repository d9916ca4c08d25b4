/** Did something fail because its port was taken? */
import { codeOf } from '../errors.js'

/**
 * How programs say so on their output, in whatever language: Node's code, the C library's
 * words (Python, Go, Java, Ruby, PostgreSQL, nginx …), Windows' words, and what dev servers
 * make of it ("Port 5173 is already in use").
 */
const SAID =
  /EADDRINUSE|address (?:is )?already in use|\bport \d+ is (?:already )?(?:in use|used|taken|occupied)|only one usage of each socket address/i

/** Whether a program's output says that an address was taken. */
export function saysAddressInUse(output: string): boolean {
  return SAID.test(output)
}

/** What errors of `node:child_process` and its like keep of a child's output. */
const OUTPUTS = ['stderr', 'stdout', 'all', 'output'] as const

/**
 * Whether an error comes from a port that was taken: by its `code`, by what it says, by the
 * output of a child process that it keeps, or by any error that it was caused by or is made of.
 */
export function isAddressInUse(error: unknown): boolean {
  const seen = new Set<unknown>()
  const queue: unknown[] = [error]
  // A loop, as the queue grows while it is gone through: chains can be circular.
  for (const candidate of queue) {
    if (candidate === undefined || candidate === null || seen.has(candidate)) continue
    seen.add(candidate)
    if (typeof candidate === 'string') {
      if (saysAddressInUse(candidate)) return true
    } else if (candidate instanceof Uint8Array) {
      queue.push(Buffer.from(candidate).toString())
    } else if (Array.isArray(candidate)) {
      queue.push(...candidate)
    } else if (typeof candidate === 'object') {
      if (codeOf(candidate) === 'EADDRINUSE') return true
      const { message, cause, errors } = candidate as Partial<AggregateError>
      queue.push(message, cause, errors)
      queue.push(...OUTPUTS.map((name) => (candidate as Record<string, unknown>)[name]))
    }
  }
  return false
}
