/** The names of ports, and the variables that they become. */
import { inspect, variablePartOf } from '@portslice/core/internal/inspect'
import { asUsageError, usageError } from '../command-line/usage-error.js'

/** A port that the program gets. */
export interface PortVariable {
  /** As the user wrote it; missing for ports without a name. */
  name?: string
  /** `PORT`, `WEB_PORT` for `web`, or `PORTS` for the ports of a table after its first. */
  variable: string
  /** Whether it belongs to the table in `$PORTS`, as with `--count`. */
  isInTable?: true
}

/** @throws PortsliceError ERR_PORTSLICE_USAGE for a bad name, and for two that become one variable */
export function variablesFor(names: readonly string[]): PortVariable[] {
  if (names.length === 0) return [{ variable: 'PORT' }]
  const seen = new Map<string, string>()
  return names.map((name) => {
    const variable = `${partOf(name)}_PORT`
    const other = seen.get(variable)
    if (other !== undefined) {
      throw usageError(
        `The names ${inspect(other)} and ${inspect(name)} both become $${variable}.`,
        'Give each port a name of its own.',
        name,
      )
    }
    seen.set(variable, name)
    return { name, variable }
  })
}

function partOf(name: string): string {
  try {
    return variablePartOf(name)
  } catch (error) {
    throw asUsageError(error, name)
  }
}
