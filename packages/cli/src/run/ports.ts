/** Ports on their way to the program: in its environment, in its arguments, in a file. */
import { withPorts as putPorts, variablePartOf } from '@portslice/core/internal/inspect'
import type { PortVariable } from './names.js'

export interface GivenPort extends PortVariable {
  port: number
}

/**
 * `PORT`, or `WEB_PORT` and so on, and `PORTS` for a table. A named one is what `namedPort('web')`
 * finds in the program, too.
 */
export function environmentFor(ports: readonly GivenPort[]): Record<string, string> {
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

/** Puts the ports in place of `{PORT}`, `{WEB_PORT}` and so on; other braces are left as they are. */
export function withPorts(argument: string, ports: readonly GivenPort[]): string {
  const byVariable = Object.fromEntries(ports.map(({ variable, port }) => [variable, `${port}`]))
  return putPorts(argument, byVariable, (placeholder) => placeholder)
}
