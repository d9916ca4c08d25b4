/** The ports of an app as its command and its environment name them. */
import { PortsliceError } from '@portslice/core'
import { inspect, withPorts as putPorts, variablePartOf } from '@portslice/core/internal'

/** Variables and their values: `PORT`, and `API_PORT` for a port named `api`. */
export type PortVariables = Readonly<Record<string, string>>

/**
 * The variable of each name, in the order of the names.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for what is no name, and for two names
 *   with one variable
 */
export function variablesOf(names: readonly string[]): string[] {
  const byVariable = new Map<string, string>()
  for (const name of names) {
    const variable = `${variablePartOf(name)}_PORT`
    const other = byVariable.get(variable)
    if (other !== undefined) {
      throw new PortsliceError(
        'ERR_PORTSLICE_OPTION_INVALID',
        `The ports ${inspect(other)} and ${inspect(name)} would both be told as $${variable}.`,
        { value: name, advice: "Give names that differ in more than case, '-' and '_'." },
      )
    }
    byVariable.set(variable, name)
  }
  return [...byVariable.keys()]
}

/**
 * Puts ports in the place of `{PORT}`, `{API_PORT}` and so on. Other braces stay as they are.
 *
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for the port of a name that there is not
 */
export function withPorts(text: string, ports: PortVariables): string {
  return putPorts(text, ports, (placeholder) => {
    throw new PortsliceError(
      'ERR_PORTSLICE_OPTION_INVALID',
      `There is no port for ${placeholder} in ${inspect(text)}.`,
      {
        value: text,
        advice: `Name it in the option \`ports\`. There are ${Object.keys(ports)
          .map((name) => `{${name}}`)
          .join(', ')}.`,
      },
    )
  })
}
