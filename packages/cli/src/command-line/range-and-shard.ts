import {
  type AllocatorOptions,
  formatShard,
  inspect,
  requireShard,
  type Shard,
  validateRange,
} from '@portslice/core/internal/inspect'
import type { Arguments, OptionSyntax } from './arguments.js'
import { asUsageError, usageError } from './usage-error.js'

export const RANGE_AND_SHARD = {
  range: { type: 'string', example: '20000-29999' },
  shard: { type: 'string', example: '2/4' },
} as const satisfies Record<string, OptionSyntax>

export const RANGE_AND_SHARD_HELP = `  --range FIRST-LAST   the ports to choose from, such as 20000-29999; default: $PORTSLICE_RANGE
  --shard INDEX/TOTAL  only this part of the range, such as 2/4; default: $PORTSLICE_SHARD`

export interface RangeAndShard {
  /** For an allocator in this process. */
  options: Pick<AllocatorOptions, 'range' | 'shard'>
  /** The same for child processes. */
  env: Record<string, string>
}

export function parseRangeAndShard(args: Arguments<'range' | 'shard'>): RangeAndShard {
  const range = parseRange(args.value('range'))
  const shard = parseShard(args.value('shard'))
  return {
    options: { ...(range && { range }), ...(shard && { shard }) },
    env: {
      ...(range && { PORTSLICE_RANGE: range.join('-') }),
      ...(shard && { PORTSLICE_SHARD: formatShard(shard) }),
    },
  }
}

function parseShard(text: string | undefined): Shard | undefined {
  if (text === undefined) return undefined
  try {
    return requireShard(text, 'The option --shard')
  } catch (error) {
    throw asUsageError(error, text)
  }
}

function parseRange(text: string | undefined): [number, number] | undefined {
  if (text === undefined) return undefined
  const parts = text.split('-').map((part) => part.trim())
  const [first, second] = parts
  if (parts.length === 2 && /^\d{1,6}$/.test(first ?? '') && /^\d{1,6}$/.test(second ?? '')) {
    const range: [number, number] = [Number(first), Number(second)]
    try {
      validateRange(range, 'The option --range')
    } catch (error) {
      throw asUsageError(error, text)
    }
    return range
  }
  throw usageError(
    `The option --range is ${inspect(text)}.`,
    `Write it as in: --range ${RANGE_AND_SHARD.range.example}`,
    text,
  )
}
