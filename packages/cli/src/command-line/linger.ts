/** `--linger` and `--wait-all`: how long a run goes on after its program has ended. */
import type { Arguments, OptionSyntax } from './arguments.js'
import { millisecondsFrom } from './seconds.js'
import { usageError } from './usage-error.js'

export const LINGER = {
  linger: { type: 'string', example: '30' },
  'wait-all': { type: 'boolean' },
} as const satisfies Record<string, OptionSyntax>

export const LINGER_HELP = `  --linger SECONDS     how long to go on for background processes that use none of the ports; 10
                       unless given
  --wait-all           go on until every process that the command started has ended`

/** Longer than most servers need from their start until they listen. */
const DEFAULT_LINGER_MS = 10_000

/**
 * @returns ms; `undefined` to wait for every process
 * @throws PortsliceError ERR_PORTSLICE_USAGE for what is not a number of seconds, and for both
 */
export function lingerFrom(args: Arguments<'linger' | 'wait-all'>): number | undefined {
  const linger = millisecondsFrom(args, 'linger')
  if (!args.has('wait-all')) return linger ?? DEFAULT_LINGER_MS
  if (linger === undefined) return undefined
  throw usageError(
    'The options --linger and --wait-all exclude each other.',
    'Give --wait-all to wait for every process, or --linger SECONDS to stop waiting after that time.',
  )
}
