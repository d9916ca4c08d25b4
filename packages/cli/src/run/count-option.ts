/** The option `--count`, for a table of ports without names. */
import { inspect, LAST_PORT } from '@portslice/core/internal/inspect'
import type { Arguments, OptionSyntax } from '../command-line/arguments.js'
import { usageError } from '../command-line/usage-error.js'
import type { PortVariable } from './port-variables.js'

export const COUNT = {
  count: { type: 'string', example: '20' },
} as const satisfies Record<string, OptionSyntax>

/**
 * The ports of `--count`: the first is in `PORT`, all are in `PORTS`. Empty without the option.
 *
 * @throws PortsliceError ERR_PORTSLICE_USAGE for a value that is not a number of ports
 */
export function parseCount(args: Pick<Arguments<'count'>, 'value'>): PortVariable[] {
  const text = args.value('count')
  if (text === undefined) return []
  const length = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (length < 1 || length > LAST_PORT) {
    throw usageError(
      `The option --count is ${inspect(text)}.`,
      'Give how many ports the table has, as in: --count 20',
      text,
    )
  }
  return Array.from({ length }, (_, index) => ({
    variable: index === 0 ? 'PORT' : 'PORTS',
    isInTable: true,
  }))
}
