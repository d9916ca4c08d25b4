import { inspect, PortsliceError } from '../errors.js'
import {
  FIRST_UNPRIVILEGED_PORT,
  LAST_PORT,
  PORTS_PER_SLICE,
  type PortRange,
  SLICE_SIZE,
  SliceRuns,
} from '../slice/layout.js'

const EXAMPLE = 'for example 20000 to 29999'

/** @param source where it was given, for the error, such as `$PORTSLICE_RANGE` */
export function validateRange(value: unknown, source: string): PortRange {
  const fail = (why: string, advice: string) =>
    new PortsliceError('ERR_PORTSLICE_RANGE_INVALID', `${source} is ${inspect(value)}: ${why}.`, {
      value,
      advice,
    })
  const ports: readonly unknown[] = Array.isArray(value) ? value : []
  const [first, last] = ports as number[]
  if (ports.length !== 2 || !Number.isInteger(first) || !Number.isInteger(last)) {
    throw fail('not two integers', `Give the first and the last port, ${EXAMPLE}.`)
  }
  const range = { first: first as number, last: last as number }
  if (range.first < FIRST_UNPRIVILEGED_PORT || range.last > LAST_PORT) {
    throw fail(
      'a test may not bind all of these ports',
      `Stay between ${FIRST_UNPRIVILEGED_PORT} and ${LAST_PORT}, ${EXAMPLE}.`,
    )
  }
  if (range.first > range.last) {
    throw fail('it ends before it starts', `Give the lower port first, ${EXAMPLE}.`)
  }
  if (SliceRuns.in([range]).length === 0) {
    const { first, last } = widen(range)
    throw fail(
      `it contains no complete slice of ${SLICE_SIZE} ports that starts at a multiple of ${SLICE_SIZE}`,
      `Widen it, for example to ${first} to ${last}; each worker needs a slice (${PORTS_PER_SLICE} ports to hand out).`,
    )
  }
  return range
}

/** The smallest range of complete slices around a range that has none. */
function widen({ first, last }: PortRange): PortRange {
  const start = Math.floor(first / SLICE_SIZE) * SLICE_SIZE
  const size = Math.ceil((last - start + 1) / SLICE_SIZE) * SLICE_SIZE
  const lowest = Math.max(start, FIRST_UNPRIVILEGED_PORT)
  return { first: lowest, last: lowest + size - 1 }
}

export function rangeFromEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): PortRange | undefined {
  const text = env.PORTSLICE_RANGE
  if (!text) return undefined
  const match = /^\s*(\d{1,6})\s*-\s*(\d{1,6})\s*$/.exec(text)
  const value = match ? [Number(match[1]), Number(match[2])] : text
  return validateRange(value, '$PORTSLICE_RANGE')
}
