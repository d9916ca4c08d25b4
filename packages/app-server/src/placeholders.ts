import {
  inspect,
  invalidOption,
  replacePlaceholders,
  variablePartOf,
} from '@portslice/core/internal'

/** Ports by the names of their variables: `PORT`, and `API_PORT` for a port named `api`. */
export type PortVariables = Readonly<Record<string, string>>

/**
 * The names of the variables, in the order of `names`.
 *
 * @throws PortsliceError for an invalid name, and for two names of one variable
 */
export function portVariableNames(names: readonly string[]): string[] {
  const byVariable = new Map<string, string>()
  for (const name of names) {
    const variable = `${variablePartOf(name)}_PORT`
    const other = byVariable.get(variable)
    if (other !== undefined) {
      throw invalidOption(
        `The ports ${inspect(other)} and ${inspect(name)} would both be in $${variable}.`,
        name,
        "Give names that differ in more than case, '-' and '_'.",
      )
    }
    byVariable.set(variable, name)
  }
  return [...byVariable.keys()]
}

/** @throws PortsliceError for an unknown port */
export function replacePortPlaceholders(text: string, ports: PortVariables): string {
  return replacePlaceholders(text, ports, (placeholder) => {
    throw invalidOption(
      `There is no port for ${placeholder} in ${inspect(text)}.`,
      text,
      `Name it in the option \`ports\`. There are ${Object.keys(ports)
        .map((name) => `{${name}}`)
        .join(', ')}.`,
    )
  })
}
