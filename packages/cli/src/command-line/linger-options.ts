import type { Arguments, OptionSyntax } from './arguments.js'
import { parseSecondsOption } from './seconds-option.js'
import { usageError } from './usage-error.js'

export const LINGER = {
  linger: { type: 'string', example: '30' },
  'wait-all': { type: 'boolean' },
} as const satisfies Record<string, OptionSyntax>

export const LINGER_HELP = `  --linger SECONDS     how long to wait for background processes that use none of the ports;
                       default 10
  --wait-all           waits until every process that the command started has ended`

const DEFAULT_LINGER_MS = 10_000

/** @returns ms; `undefined` to wait for every process */
export function parseLinger(args: Arguments<'linger' | 'wait-all'>): number | undefined {
  const linger = parseSecondsOption(args, 'linger')
  if (!args.has('wait-all')) return linger ?? DEFAULT_LINGER_MS
  if (linger === undefined) return undefined
  throw usageError(
    'The options --linger and --wait-all exclude each other.',
    'Give --wait-all to wait for every process, or --linger SECONDS to stop waiting after that time.',
  )
}
