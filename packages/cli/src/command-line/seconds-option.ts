import { inspect } from '@portslice/core/internal/inspect'
import type { Arguments, OptionSyntax } from './arguments.js'
import { usageError } from './usage-error.js'

export const TIMEOUT = {
  timeout: { type: 'string', example: '600' },
} as const satisfies Record<string, OptionSyntax>

/** The limit of Node's timers, about 24 days. */
const MAX_MS = 2_147_483_647

/** @returns ms, or `undefined` if the option was not given */
export function parseSecondsOption<Name extends string>(
  args: Pick<Arguments<Name>, 'value'>,
  name: Name,
): number | undefined {
  const text = args.value(name)
  if (text === undefined) return undefined
  const milliseconds = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Number.NaN
  if (milliseconds <= MAX_MS) return milliseconds
  throw usageError(
    `The option --${name} is ${inspect(text)}.`,
    `Give seconds, as in: --${name} 600`,
    text,
  )
}
