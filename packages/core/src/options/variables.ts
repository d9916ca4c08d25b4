import { closestMatch } from 'leven'
import { inspect, invalidOption } from '../errors.js'
import { hidePassword } from './remote.js'

const PREFIX = 'PORTSLICE_'

/** Variables that users set, each instead of an option. */
export const VARIABLES = [
  'PORTSLICE_RANGE',
  'PORTSLICE_SHARD',
  'PORTSLICE_LOCK_DIR',
  'PORTSLICE_HOST',
  'PORTSLICE_COORDINATOR',
  'PORTSLICE_UNANSWERED_PORTS',
] as const

/** Variables that portslice sets for its child processes, besides `PORTSLICE_PORT_<NAME>`. */
export const INTERNAL_VARIABLES = [
  'PORTSLICE_RUNNER_SHARD',
  'PORTSLICE_TREE',
  'PORTSLICE_WATCHDOG',
  'PORTSLICE_REPORT',
  'PORTSLICE_PLAYWRIGHT_MARKS',
] as const

export function isPortVariable(name: string): boolean {
  return name.startsWith(`${PREFIX}PORT_`)
}

/** Variables with our prefix that have no effect. */
export function unknownVariables(env: NodeJS.ProcessEnv): string[] {
  const known: readonly string[] = [...VARIABLES, ...INTERNAL_VARIABLES]
  return Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && !known.includes(name) && !isPortVariable(name),
  )
}

/**
 * Refuses a variable whose name is similar to one that users set. Other variables may belong to the user.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID
 */
export function refuseMisspeltVariables(env: NodeJS.ProcessEnv): void {
  for (const name of unknownVariables(env)) {
    const meant = similarVariable(name)
    if (meant === undefined) continue
    const value = hidePassword(env[name] ?? '')
    throw invalidOption(
      `There is no environment variable $${name}; it is set to ${inspect(value)}.`,
      value,
      `Did you mean '$${meant}'? If $${name} has nothing to do with portslice, give it a name that does not begin with ${PREFIX}.`,
    )
  }
}

/** The known variable with the same beginning, or with only few other letters. */
function similarVariable(name: string): string | undefined {
  const longer = VARIABLES.find((known) => name.startsWith(known))
  if (longer) return longer
  const word = name.slice(PREFIX.length)
  const words = VARIABLES.map((known) => known.slice(PREFIX.length))
  const match = closestMatch(word, words, {
    maxDistance: Math.max(1, Math.floor(word.length * 0.4)),
  })
  return match && PREFIX + match
}
