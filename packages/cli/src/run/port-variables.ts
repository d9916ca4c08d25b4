import { inspect, variablePartOf } from '@portslice/core/internal/inspect'
import { asUsageError, usageError } from '../command-line/usage-error.js'

export interface PortVariable {
  /** As typed; missing for ports without a name. */
  name?: string
  /** `PORT`, `WEB_PORT` for `web`, or `PORTS` for the ports of a table after its first. */
  variable: string
  /** Whether it belongs to the table in `$PORTS`, as with `--count`. */
  isInTable?: true
}

/** The variables of `--name`, or `PORT` without names. */
export function variablesFor(names: readonly string[]): PortVariable[] {
  if (names.length === 0) return [{ variable: 'PORT' }]
  const seen = new Map<string, string>()
  return names.map((name) => {
    const variable = `${variablePart(name)}_PORT`
    const other = seen.get(variable)
    if (other !== undefined) {
      throw usageError(
        `The names ${inspect(other)} and ${inspect(name)} both become $${variable}.`,
        'Give each port a different name.',
        name,
      )
    }
    seen.set(variable, name)
    return { name, variable }
  })
}

function variablePart(name: string): string {
  try {
    return variablePartOf(name)
  } catch (error) {
    throw asUsageError(error, name)
  }
}
