/** Names of ports, which become parts of environment variables. */
import { PortsliceError, quoted } from '../errors.js'

/** Letters, digits, `-` and `_`: nothing else becomes part of an environment variable's name. */
const NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/

/**
 * How a port's name is written in an environment variable: `web-api` becomes `WEB_API`.
 *
 * @param name up to 64 letters, digits, `-` and `_`, the first of them a letter
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for what is no name
 */
export function variablePartOf(name: unknown): string {
  if (typeof name === 'string' && NAME.test(name)) return name.toUpperCase().replaceAll('-', '_')
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `A port cannot be named ${quoted(name)}.`,
    {
      value: name,
      advice:
        "Give a name of up to 64 letters, digits, '-' and '_' that starts with a letter, such as 'web'.",
    },
  )
}
