/**
 * The arithmetic of slices. Pure: no sockets, no files, no clock.
 *
 * Two programs agree on who may hold what because they cut the ports at the same places,
 * so nothing here depends on an option but the bounds of a range.
 */

/**
 * Ports in a slice, the sentinel included. Part of the protocol: slices of different sizes
 * would overlap without either holder seeing the other's sentinel.
 */
export const SLICE_SIZE = 32

/** Ports of a slice that can be handed out. */
export const PORTS_PER_SLICE = SLICE_SIZE - 1

/** The first port that needs no privileges to bind. */
export const FIRST_UNPRIVILEGED_PORT = 1024
/** The highest port that there is. */
export const LAST_PORT = 65_535

/** Ports from `first` to `last`, both inclusive. */
export interface PortRange {
  /** The lowest port. */
  readonly first: number
  /** The highest port. */
  readonly last: number
}

/** A slice, named by its first port: a multiple of {@link SLICE_SIZE}. */
export type SliceStart = number

/**
 * The port whose UDP socket on 127.0.0.1 says that the slice is held. Never handed out.
 *
 * @param slice its first port
 */
export function sentinelOf(slice: SliceStart): number {
  return slice + SLICE_SIZE - 1
}

/**
 * The slice that a port belongs to.
 *
 * @param port 0 to 65535
 */
export function sliceOf(port: number): SliceStart {
  return port - (port % SLICE_SIZE)
}

/**
 * The ports of a slice that can be handed out, ascending.
 *
 * @param slice its first port
 */
export function portsOf(slice: SliceStart): number[] {
  return Array.from({ length: PORTS_PER_SLICE }, (_, offset) => slice + offset)
}

/**
 * The slices that lie wholly in the range, ascending.
 *
 * @param range both ends inclusive
 */
export function slicesIn({ first, last }: PortRange): SliceStart[] {
  const slices: SliceStart[] = []
  for (
    let slice = Math.ceil(first / SLICE_SIZE) * SLICE_SIZE;
    sentinelOf(slice) <= last;
    slice += SLICE_SIZE
  ) {
    slices.push(slice)
  }
  return slices
}

/** Shard `index` of `total`, both 1-based. */
export interface Shard {
  /** Which one, from 1 to `total`. */
  readonly index: number
  /** How many there are. */
  readonly total: number
}

/**
 * The contiguous part of `slices` that belongs to a shard. The parts of all shards are
 * disjoint, cover everything, and differ by at most one slice.
 *
 * @param slices in ascending order
 * @param shard which part
 */
export function partOf<T>(slices: readonly T[], { index, total }: Shard): T[] {
  const cut = (shards: number) => Math.floor((shards * slices.length) / total)
  return slices.slice(cut(index - 1), cut(index))
}

/**
 * The order in which a worker tries the slices it may use: a permutation of `slices`.
 *
 * Workers 1, 2, 3 … of one checkout start at neighbouring slices, so they never meet while
 * there are as many slices as workers. The next tries go round in long strides, so that a
 * worker that needs a second slice does not take its neighbour's first.
 *
 * @param checkout any text that tells checkouts apart, such as the root folder
 * @param workerId 1-based
 */
export function trialOrder(
  slices: readonly SliceStart[],
  checkout: string,
  workerId: number,
): SliceStart[] {
  const count = slices.length
  if (count === 0) return []
  const start = (hash(checkout) + workerId - 1) % count
  const stride = coprimeStride(count)
  const order: SliceStart[] = []
  for (let step = 0; step < count; step++) {
    order.push(slices[(start + step * stride) % count] as SliceStart)
  }
  return order
}

/** A stride near the golden section of `count`: coprime, so it visits every index once. */
function coprimeStride(count: number): number {
  let stride = Math.max(1, Math.round(count * 0.618))
  while (greatestCommonDivisor(stride, count) !== 1) stride++
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** FNV-1a, 32 bits: spreads short texts evenly and is the same in every process. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  return value >>> 0
}
