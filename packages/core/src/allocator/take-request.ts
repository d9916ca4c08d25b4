import { inspect, invalidOption } from '../errors.js'
import type { TakeOptions } from '../options/options.js'
import { isIntegerIn, isPort } from '../options/validate.js'
import { LAST_PORT, PORTS_PER_SLICE, SLICE_SIZE } from '../slice/layout.js'

export interface TakeRequest extends Omit<TakeOptions, 'key' | 'prefer'> {
  readonly keys: readonly (string | undefined)[]
  /** A port is removed when it is tried. */
  readonly preferred: number[]
}

export function takeRequest(options: TakeOptions, count: number): TakeRequest {
  const { key, prefer = [], ...others } = options
  return { ...others, keys: keysFor(key, count), preferred: preferredPorts(prefer) }
}

/** One request for each port. If `ports` is a number, the requests share the preferred ports. */
export function takeRequests(
  ports: number | readonly TakeOptions[],
  options: TakeOptions,
): TakeRequest[] {
  if (typeof ports !== 'number') {
    return ports.map((each) => takeRequest({ ...each, ...options }, 1))
  }
  const request = takeRequest(options, ports)
  return request.keys.map((key) => ({ ...request, keys: [key] }))
}

/** The first port has the key itself, as with `take`. The others get a separator that keys rarely contain. */
function keysFor(key: string | undefined, count: number): (string | undefined)[] {
  return Array.from({ length: count }, (_, index) =>
    key === undefined || index === 0 ? key : `${key}\u001f${index}`,
  )
}

function preferredPorts(prefer: number | Iterable<number>): number[] {
  const ports: unknown[] = typeof prefer === 'number' ? [prefer] : [...prefer]
  const invalid = ports.findIndex((port) => !isPort(port))
  if (invalid < 0) return ports as number[]
  throw invalidOption(
    `The option \`prefer\` contains ${inspect(ports[invalid])}.`,
    ports[invalid],
    `Give ports from 1 to ${LAST_PORT}.`,
  )
}

export function checkCount(count: unknown, max: number, method: string): void {
  if (isIntegerIn(count, 1, max)) return
  throw invalidOption(
    `${method} was asked for ${inspect(count)} ports.`,
    count,
    max === PORTS_PER_SLICE
      ? `Ask for 1 to ${max}: consecutive ports must lie in one slice of ${SLICE_SIZE}.`
      : `Ask for 1 to ${max}.`,
  )
}
