import { replacePlaceholders, variablePartOf } from '@portslice/core/internal/inspect'
import type { PortVariable } from './port-variables.js'

export interface AssignedPort extends PortVariable {
  port: number
}

/**
 * The variables for the program: `PORT`; for a named port `WEB_PORT`, and the variable that `namedPort('web')`
 * reads; for a table `PORTS`.
 */
export function environmentFor(ports: readonly AssignedPort[]): Record<string, string> {
  const table = ports.filter(({ isInTable }) => isInTable).map(({ port }) => port)
  return {
    ...Object.fromEntries(
      ports.flatMap(({ name, variable, port }) => [
        [variable, String(port)],
        ...(name === undefined ? [] : [[`PORTSLICE_PORT_${variablePartOf(name)}`, String(port)]]),
      ]),
    ),
    ...(table.length > 0 && { PORTS: table.join(',') }),
  }
}

/** Replaces `{PORT}`, `{WEB_PORT}` and so on. Other braces stay. */
export function replacePortPlaceholders(argument: string, ports: readonly AssignedPort[]): string {
  const byVariable = Object.fromEntries(ports.map(({ variable, port }) => [variable, `${port}`]))
  return replacePlaceholders(argument, byVariable, (placeholder) => placeholder)
}
