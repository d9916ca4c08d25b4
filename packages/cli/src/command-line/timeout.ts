/** `--timeout SECONDS`, for what has to wait its turn. */
import { inspect } from '@portslice/core/inspect'
import type { Arguments, OptionSyntax } from './arguments.js'
import { usageError } from './usage-error.js'

export const TIMEOUT = {
  timeout: { type: 'string', example: '600' },
} as const satisfies Record<string, OptionSyntax>

/** Node's timers cannot wait longer (some 24 days), in ms. */
const MAX_TIMEOUT_MS = 2_147_483_647

/**
 * @returns ms, or `undefined` where nothing was said
 * @throws PortsliceError ERR_PORTSLICE_USAGE for what is no number of seconds
 */
export function millisecondsFrom(args: Arguments<'timeout'>): number | undefined {
  const text = args.value('timeout')
  if (text === undefined) return undefined
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Number.NaN
  if (milliseconds <= MAX_TIMEOUT_MS) return milliseconds
  throw usageError(
    `The option --timeout is ${inspect(text)}.`,
    'Give seconds, as in: --timeout 600',
    text,
  )
}
