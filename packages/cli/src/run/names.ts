/** The names of ports, and the variables that they become. */
import { quoted } from '@portslice/core/inspect'
import { usageError } from '../command-line/usage-error.js'

/** As `namedPort` has it: nothing else becomes part of an environment variable's name. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/** A port that the program gets. */
export interface PortVariable {
  /** As the user wrote it; missing for the one port without a name. */
  name?: string
  /** `PORT`, or `WEB_PORT` for `web`. */
  variable: string
}

/** @throws PortsliceError ERR_PORTSLICE_USAGE for a bad name, and for two that become one variable */
export function variablesFor(names: readonly string[]): PortVariable[] {
  if (names.length === 0) return [{ variable: 'PORT' }]
  const seen = new Map<string, string>()
  return names.map((name) => {
    if (!NAME.test(name)) {
      throw usageError(
        `A port cannot be named ${quoted(name)}.`,
        "Give a name of up to 64 letters, digits, '-' and '_' that starts with a letter, such as: --name web",
        name,
      )
    }
    const variable = `${upper(name)}_PORT`
    const other = seen.get(variable)
    if (other !== undefined) {
      throw usageError(
        `The names ${quoted(other)} and ${quoted(name)} both become $${variable}.`,
        'Give each port a name of its own.',
        name,
      )
    }
    seen.set(variable, name)
    return { name, variable }
  })
}

/** As `namedPort` has it. */
export function upper(name: string): string {
  return name.toUpperCase().replaceAll('-', '_')
}
