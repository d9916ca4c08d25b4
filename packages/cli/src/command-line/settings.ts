/** `--range` and `--shard`, which several subcommands have. */
import { type AllocatorOptions, checkedRange, checkedShard, inspect } from '@portslice/core/inspect'
import type { Arguments, OptionSyntax } from './arguments.js'
import { asUsageError, usageError } from './usage-error.js'

export const RANGE_AND_SHARD = {
  range: { type: 'string', example: '20000-29999' },
  shard: { type: 'string', example: '2/4' },
} as const satisfies Record<string, OptionSyntax>

export const RANGE_AND_SHARD_HELP = `  --range FIRST-LAST   the ports to choose from, such as 20000-29999; else $PORTSLICE_RANGE
  --shard INDEX/TOTAL  only this part of them, such as 2/4; else $PORTSLICE_SHARD or the CI's own`

export interface RangeAndShard {
  /** For an allocator. */
  options: Pick<AllocatorOptions, 'range' | 'shard'>
  /** The same for the processes that are started. */
  env: Record<string, string>
}

/**
 * @throws PortsliceError ERR_PORTSLICE_USAGE for a text that is not written so, and for numbers
 *   that make no sense
 */
export function rangeAndShardOf(args: Arguments<'range' | 'shard'>): RangeAndShard {
  const range = pairOf(args.value('range'), 'range', '-')
  const shard = pairOf(args.value('shard'), 'shard', '/')
  if (range) check(() => checkedRange(range, 'The option --range'), args.value('range'))
  if (shard) check(() => checkedShard(...shard, 'The option --shard'), args.value('shard'))
  return {
    options: {
      ...(range && { range }),
      ...(shard && { shard: { index: shard[0], total: shard[1] } }),
    },
    env: {
      ...(range && { PORTSLICE_RANGE: range.join('-') }),
      ...(shard && { PORTSLICE_SHARD: shard.join('/') }),
    },
  }
}

function pairOf(
  text: string | undefined,
  name: keyof typeof RANGE_AND_SHARD,
  separator: string,
): [number, number] | undefined {
  if (text === undefined) return undefined
  const parts = text.split(separator).map((part) => part.trim())
  const [first, second] = parts
  if (parts.length === 2 && /^\d{1,6}$/.test(first ?? '') && /^\d{1,6}$/.test(second ?? '')) {
    return [Number(first), Number(second)]
  }
  throw usageError(
    `The option --${name} is ${inspect(text)}.`,
    `Write it as in: --${name} ${RANGE_AND_SHARD[name].example}`,
    text,
  )
}

function check(checked: () => unknown, text = ''): void {
  try {
    checked()
  } catch (error) {
    throw asUsageError(error, text)
  }
}
