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

/** Above the ports of well-known servers, and room for 700 slices below Linux' ephemeral range. */
const FIRST_DEFAULT_PORT = 10_000
/** Slices outside of the ephemeral range that are enough for a machine with many workers. */
const ENOUGH_SLICES = 64
/** Kubernetes redirects its NodePorts in the packet filter, so a redirected port has no socket to see. */
export const NODE_PORTS: PortRange = { first: 30_000, last: 32_767 }

/**
 * The ports to choose from unless the user says otherwise: from 10000 up to the ephemeral range.
 * If that holds fewer than 64 slices, also those above the ephemeral range; if there still are
 * fewer, all from 10000, with the ephemeral ones protected by the TIME_WAIT guard.
 *
 * @param ephemeral the ports that the OS hands out by itself
 * @returns ascending ranges that do not overlap, each with at least one slice
 */
export function defaultRanges(ephemeral: PortRange): PortRange[] {
  const below = { first: FIRST_DEFAULT_PORT, last: ephemeral.first - 1 }
  const above = { first: Math.max(FIRST_DEFAULT_PORT, ephemeral.last + 1), last: LAST_PORT }
  const all = { first: FIRST_DEFAULT_PORT, last: LAST_PORT }
  const choices = [[below], [below, above]].map((ranges) =>
    ranges.filter((range) => slicesIn(range).length > 0),
  )
  return choices.find((ranges) => ranges.flatMap(slicesIn).length >= ENOUGH_SLICES) ?? [all]
}

/**
 * Writes ranges for messages: `10000-10099, 61000-65535`.
 *
 * @param ranges in the order in which they are to be written
 */
export function formatRanges(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join(', ')
}

/**
 * Sorts slices into classes, the best first: slices of one class are tried before those of the
 * next. Ports that the OS does not hand out by itself are better than those that it does, and
 * slices that overlap Kubernetes' NodePorts come last.
 *
 * @param slices ascending
 * @param ephemeral the ports that the OS hands out by itself
 * @returns classes that are not empty, each ascending
 */
export function preferenceClasses(
  slices: readonly SliceStart[],
  ephemeral: PortRange,
): SliceStart[][] {
  const rank = (slice: SliceStart) =>
    (overlaps(slice, NODE_PORTS) ? 2 : 0) + (overlaps(slice, ephemeral) ? 1 : 0)
  return [0, 1, 2, 3]
    .map((each) => slices.filter((slice) => rank(slice) === each))
    .filter((slicesOfRank) => slicesOfRank.length > 0)
}

function overlaps(slice: SliceStart, range: PortRange): boolean {
  return slice <= range.last && sentinelOf(slice) >= range.first
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
  return slices.slice(cutBefore(slices, index, total), cutBefore(slices, index + 1, total))
}

/** Where the part of shard `index` begins. */
function cutBefore(slices: readonly unknown[], index: number, total: number): number {
  return Math.floor(((index - 1) * slices.length) / total)
}

/** Who asks for slices, which decides where it begins to look. */
export interface TrialStart {
  /** Any text that tells project roots apart, such as the path. */
  readonly projectRoot: string
  /** 1-based. */
  readonly workerId: number
  /** Its part is tried first, and then the rest. */
  readonly preferredShard?: Shard | undefined
}

/**
 * The order in which a worker tries the slices that it may use: a permutation of all classes,
 * one class after the other.
 *
 * @param classes as of {@link preferenceClasses}
 * @param start who asks
 */
export function trialOrder(
  classes: readonly (readonly SliceStart[])[],
  { projectRoot, workerId, preferredShard }: TrialStart,
): SliceStart[] {
  const offset = hash(projectRoot) + workerId - 1
  return classes.flatMap((slices) => {
    const [own, rest] = preferredShard ? splitAt(slices, preferredShard) : [slices, []]
    return [...stridesFrom(own, offset), ...stridesFrom(rest, offset)]
  })
}

/**
 * The part of a shard that is only a preference, and the rest from there on. With more shards
 * than slices the part is the slice at which it would begin, so that shards still begin apart.
 */
function splitAt(
  slices: readonly SliceStart[],
  shard: Shard,
): [own: SliceStart[], rest: SliceStart[]] {
  const begin = cutBefore(slices, shard.index, shard.total)
  const end = begin + Math.max(1, partOf(slices, shard).length)
  return [slices.slice(begin, end), [...slices.slice(end), ...slices.slice(0, begin)]]
}

/**
 * All of `slices`, beginning at `offset`. Workers 1, 2, 3 … of one project begin at neighbouring
 * slices, so they do not meet while there are as many slices as workers. Then it goes on in long
 * strides, so that a worker that needs a second slice does not take its neighbour's first.
 */
function stridesFrom(slices: readonly SliceStart[], offset: number): SliceStart[] {
  const count = slices.length
  const stride = coprimeStride(count)
  return slices.map((_, step) => slices[(offset + step * stride) % count] as SliceStart)
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
