/** Arithmetic only. All programs on a machine must cut the ports at the same places, with any options. */

/** Part of the protocol: slices of different sizes could overlap without a common sentinel. */
export const SLICE_SIZE = 32

export const PORTS_PER_SLICE = SLICE_SIZE - 1

export const FIRST_UNPRIVILEGED_PORT = 1024
export const LAST_PORT = 65_535

/** All ports from `first` to `last`, both inclusive. */
export interface PortRange {
  readonly first: number
  readonly last: number
}

/** The first port of a slice, which identifies it. */
export type SliceStart = number

/** The last port of a slice, which is never handed out. Its UDP socket on 127.0.0.1 holds the slice. */
export function sentinelOf(slice: SliceStart): number {
  return slice + SLICE_SIZE - 1
}

export function sliceOf(port: number): SliceStart {
  return port - (port % SLICE_SIZE)
}

/** The ports that a slice can hand out. */
export function portsOf(slice: SliceStart): number[] {
  return Array.from({ length: PORTS_PER_SLICE }, (_, offset) => slice + offset)
}

export function slicesIn(range: PortRange): SliceStart[] {
  return [...SliceRuns.in([range])]
}

/** Neighbouring slices. */
interface SliceRun {
  readonly first: SliceStart
  readonly count: number
}

/** Slices in order. Arithmetic instead of an array, because most workers need only one of 700 slices. */
export class SliceRuns implements Iterable<SliceStart> {
  readonly length: number
  readonly #runs: readonly SliceRun[]

  constructor(runs: readonly SliceRun[]) {
    this.#runs = runs.filter(({ count }) => count > 0)
    this.length = this.#runs.reduce((sum, { count }) => sum + count, 0)
  }

  static in(ranges: readonly PortRange[]): SliceRuns {
    return new SliceRuns(
      ranges.map(({ first, last }) => {
        const begin = Math.ceil(first / SLICE_SIZE)
        const end = Math.floor((last + 1) / SLICE_SIZE)
        return { first: begin * SLICE_SIZE, count: end - begin }
      }),
    )
  }

  /** @param index from 0 to `length - 1` */
  at(index: number): SliceStart {
    let left = index
    for (const { first, count } of this.#runs) {
      if (left < count) return first + left * SLICE_SIZE
      left -= count
    }
    throw new RangeError(`There is no slice ${index} of ${this.length}.`)
  }

  slice(begin: number, end = this.length): SliceRuns {
    let before = 0
    return new SliceRuns(
      this.#runs.map(({ first, count }) => {
        const from = Math.max(0, begin - before)
        const to = Math.min(count, end - before)
        before += count
        return { first: first + from * SLICE_SIZE, count: to - from }
      }),
    )
  }

  concat(other: SliceRuns): SliceRuns {
    return new SliceRuns([...this.#runs, ...other.#runs])
  }

  /** Cuts the runs so that none lies partly in one of these ranges. */
  cutAt(ranges: readonly PortRange[]): SliceRun[] {
    const cuts = ranges
      .flatMap(({ first, last }) => [sliceOf(first), sliceOf(last) + SLICE_SIZE])
      .sort((a, b) => a - b)
    return this.#runs.flatMap(({ first, count }) => {
      const end = first + count * SLICE_SIZE
      const inside = cuts.filter((cut) => cut > first && cut < end)
      return [first, ...inside].map((begin, index) => ({
        first: begin,
        count: ((inside[index] ?? end) - begin) / SLICE_SIZE,
      }))
    })
  }

  *[Symbol.iterator](): Generator<SliceStart> {
    for (let index = 0; index < this.length; index++) yield this.at(index)
  }
}

const FIRST_DEFAULT_PORT = 10_000
/** Enough slices outside of the ephemeral range for a machine with many workers. */
const ENOUGH_SLICES = 64
/** Kubernetes redirects its NodePorts in the packet filter, without a socket. */
export const NODE_PORTS: PortRange = { first: 30_000, last: 32_767 }

/** With fewer than 64 slices below the ephemeral range, also the ports above it, and then inside it. */
export function defaultRanges(ephemeral: PortRange): PortRange[] {
  const below = { first: FIRST_DEFAULT_PORT, last: ephemeral.first - 1 }
  const above = { first: Math.max(FIRST_DEFAULT_PORT, ephemeral.last + 1), last: LAST_PORT }
  const all = { first: FIRST_DEFAULT_PORT, last: LAST_PORT }
  const choices = [[below], [below, above]].map((ranges) =>
    ranges.filter((range) => SliceRuns.in([range]).length > 0),
  )
  return choices.find((ranges) => SliceRuns.in(ranges).length >= ENOUGH_SLICES) ?? [all]
}

export function formatRanges(ranges: readonly PortRange[]): string {
  return ranges.map(({ first, last }) => `${first}-${last}`).join(', ')
}

/** Slices outside of the ephemeral range come first, then those inside it, then those with Kubernetes NodePorts. */
export function preferenceClasses(slices: SliceRuns, ephemeral: PortRange): SliceRuns[] {
  const classes: SliceRun[][] = [[], [], [], []]
  for (const run of slices.cutAt([NODE_PORTS, ephemeral])) {
    const rank =
      (overlaps(run.first, NODE_PORTS) ? 2 : 0) + (overlaps(run.first, ephemeral) ? 1 : 0)
    classes[rank]?.push(run)
  }
  return classes.filter((runs) => runs.length > 0).map((runs) => new SliceRuns(runs))
}

function overlaps(slice: SliceStart, range: PortRange): boolean {
  return slice <= range.last && sentinelOf(slice) >= range.first
}

/** Removes slices whose sentinel cannot be bound, unless none would be left. */
export function holdableSlices(slices: SliceRuns, excluded: readonly PortRange[]): SliceRuns {
  if (excluded.length === 0) return slices
  const holdable = [...slices].filter((slice) => {
    const sentinel = sentinelOf(slice)
    return !excluded.some(({ first, last }) => sentinel >= first && sentinel <= last)
  })
  return holdable.length > 0
    ? new SliceRuns(holdable.map((first) => ({ first, count: 1 })))
    : slices
}

/** Shard `index` of `total`. */
export interface Shard {
  /** From 1 to `total`. */
  readonly index: number
  /** The number of shards. */
  readonly total: number
}

/** The contiguous part of a shard. Parts are disjoint, and differ in size by at most one. */
export function partOf<Part>(
  slices: { readonly length: number; slice(begin: number, end: number): Part },
  { index, total }: Shard,
): Part {
  return slices.slice(cutBefore(slices, index, total), cutBefore(slices, index + 1, total))
}

function cutBefore(slices: { readonly length: number }, index: number, total: number): number {
  return Math.floor(((index - 1) * slices.length) / total)
}

export interface TrialStart {
  readonly projectRoot: string
  readonly workerId: number
  readonly preferredShard?: Shard | undefined
}

/** Computed lazily, because most workers need only the first slice. */
export function* trialOrder(
  classes: readonly SliceRuns[],
  { projectRoot, workerId, preferredShard }: TrialStart,
): Generator<SliceStart> {
  const offset = hash(projectRoot) + workerId - 1
  for (const slices of classes) {
    const parts = preferredShard ? splitAt(slices, preferredShard) : [slices]
    for (const part of parts) yield* stridesFrom(part, offset)
  }
}

/** With more shards than slices, a part is one slice. */
function splitAt(slices: SliceRuns, shard: Shard): [own: SliceRuns, rest: SliceRuns] {
  const begin = cutBefore(slices, shard.index, shard.total)
  const end = begin + Math.max(1, partOf(slices, shard).length)
  return [slices.slice(begin, end), slices.slice(end).concat(slices.slice(0, begin))]
}

/** Workers begin with adjacent slices. Long strides keep their second slices away from the first ones of others. */
function* stridesFrom(slices: SliceRuns, offset: number): Generator<SliceStart> {
  const count = slices.length
  const stride = coprimeStride(count)
  for (let step = 0; step < count; step++) {
    yield slices.at((offset + step * stride) % count)
  }
}

/** Near the golden section of `count`, and coprime, so that it visits every index once. */
function coprimeStride(count: number): number {
  let stride = Math.max(1, Math.round(count * 0.618))
  while (greatestCommonDivisor(stride, count) !== 1) stride++
  return stride
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}

/** FNV-1a, 32 bits: the same in every process. */
export function hash(text: string): number {
  let value = 0x811c9dc5
  for (let i = 0; i < text.length; i++) {
    value = Math.imul(value ^ text.charCodeAt(i), 0x01000193)
  }
  return value >>> 0
}
