/**
 * The arithmetic of slices, without sockets, files or clock. All programs on a machine must cut the
 * ports at the same places, so it depends on no option except the bounds of a range.
 */

/**
 * Ports in a slice, including the sentinel. Part of the protocol: slices of different sizes could
 * overlap without having the same sentinel.
 */
export const SLICE_SIZE = 32

export const PORTS_PER_SLICE = SLICE_SIZE - 1

export const FIRST_UNPRIVILEGED_PORT = 1024
export const LAST_PORT = 65_535

/** Ports from `first` to `last`, inclusive. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** The first port of a slice: a multiple of {@link SLICE_SIZE}. */
export type SliceStart = number

/** The last port of a slice, which is never handed out. Its UDP socket on 127.0.0.1 holds the slice. */
export function sentinelOf(slice: SliceStart): number {
  return slice + SLICE_SIZE - 1
}

/** The slice that contains a port. */
export function sliceOf(port: number): SliceStart {
  return port - (port % SLICE_SIZE)
}

/** The ports of a slice that can be handed out, ascending. */
export function portsOf(slice: SliceStart): number[] {
  return Array.from({ length: PORTS_PER_SLICE }, (_, offset) => slice + offset)
}

/** The slices that lie completely in a range, ascending. */
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

/** Above most default ports of servers, with 700 slices below the ephemeral range of Linux. */
const FIRST_DEFAULT_PORT = 10_000
/** Enough slices outside of the ephemeral range for a machine with many workers. */
const ENOUGH_SLICES = 64
/** Kubernetes redirects its NodePorts in the packet filter, without a socket. */
export const NODE_PORTS: PortRange = { first: 30_000, last: 32_767 }

/**
 * The default range: from 10000 up to the ephemeral range. If that has fewer than 64 slices, also
 * the ports above the ephemeral range; if that is not enough either, all ports from 10000 on, with
 * the ephemeral ones protected by the TIME_WAIT guard.
 *
 * @param ephemeral the ports that the OS assigns itself
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

/** Formats ranges for messages: `10000-10099, 61000-65535`. */
export function formatRanges(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join(', ')
}

/**
 * Sorts slices into classes, the best first. Slices outside of the ephemeral range come before those
 * inside it, and slices that overlap Kubernetes NodePorts come last.
 *
 * @param slices ascending
 * @param ephemeral the ports that the OS assigns itself
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

/** Shard `index` of `total`. */
export interface Shard {
  /** From 1 to `total`. */
  readonly index: number
  /** The number of shards. */
  readonly total: number
}

/**
 * The contiguous part of `slices` that belongs to a shard. The parts of all shards are disjoint,
 * contain all slices, and differ in size by at most one.
 */
export function partOf<T>(slices: readonly T[], { index, total }: Shard): T[] {
  return slices.slice(cutBefore(slices, index, total), cutBefore(slices, index + 1, total))
}

/** The index at which the part of a shard begins. */
function cutBefore(slices: readonly unknown[], index: number, total: number): number {
  return Math.floor(((index - 1) * slices.length) / total)
}

/** Decides with which slices a worker begins. */
export interface TrialStart {
  /** Identifies the project, such as the path. */
  readonly projectRoot: string
  /** 1-based. */
  readonly workerId: number
  /** Its part is tried first. */
  readonly preferredShard?: Shard | undefined
}

/**
 * The order in which a worker tries slices, class after class.
 *
 * @param classes see {@link preferenceClasses}
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
 * The part of a preferred shard, and the rest. With more shards than slices the part is the slice
 * at which it would begin, so that shards still begin at different slices.
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
 * slices, which differ if there are enough slices. The following slices are long strides apart, so
 * that the second slice of a worker is not the first one of its neighbour.
 */
function stridesFrom(slices: readonly SliceStart[], offset: number): SliceStart[] {
  const count = slices.length
  const stride = coprimeStride(count)
  return slices.map((_, step) => slices[(offset + step * stride) % count] as SliceStart)
}

/** A stride near the golden section of `count`. It is coprime, so it visits every index once. */
function coprimeStride(count: number): number {
  let stride = Math.max(1, Math.round(count * 0.618))
  while (greatestCommonDivisor(stride, count) !== 1) stride++
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** FNV-1a, 32 bits: distributes short strings evenly, and is the same in every process. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  return value >>> 0
}
