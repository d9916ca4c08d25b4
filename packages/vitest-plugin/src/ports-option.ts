/** The plugin's option `ports`: a table of ports that the main process leases once for a run. */
import type { AllocatorOptions } from '@portslice/core'
import {
  inspect,
  invalidOption,
  namedPorts,
  type PortsliceError,
  variablePartOf,
} from '@portslice/core/internal'

/** How many ports each name gets. */
export type PortCounts = Readonly<Record<string, number>>

/** The ports of each name, in the order in which they were leased. */
export type PortTable = Readonly<Record<string, readonly number[]>>

const MAX_COUNT = 10_000

/** `api`, `api-2`, `api-3` for `{ api: 3 }`. @throws PortsliceError for bad names and counts */
export function portNames(counts: PortCounts): Record<string, string[]> {
  if (typeof counts !== 'object' || counts === null || Array.isArray(counts)) {
    throw invalid(
      'The option `ports` is',
      counts,
      'Give a count for each name: { api: 2, web: 1 }.',
    )
  }
  const seen = new Map<string, string>()
  return Object.fromEntries(
    Object.entries(counts).map(([name, count]) => {
      if (!Number.isInteger(count) || count < 1 || count > MAX_COUNT) {
        throw invalid(
          `The option \`ports.${name}\` is`,
          count,
          `Give the number of ports, from 1 to ${MAX_COUNT}.`,
        )
      }
      const names = Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}-${i + 1}`))
      for (const each of names) {
        const variable = variablePartOf(each)
        const other = seen.get(variable)
        if (other !== undefined) {
          throw invalid(
            `The option \`ports\` names $PORTSLICE_PORT_${variable} twice, for ${inspect(other)} and for`,
            each,
            'Give each port a different name.',
          )
        }
        seen.set(variable, each)
      }
      return [name, names]
    }),
  )
}

/** Leases the ports until this process ends. A name that this process has leased or inherited keeps its port. */
export async function leaseTable(
  names: Readonly<Record<string, string[]>>,
  options: AllocatorOptions,
): Promise<PortTable> {
  const ports = await namedPorts(Object.values(names).flat(), options)
  return Object.fromEntries(
    Object.entries(names).map(([name, each]) => [name, ports.splice(0, each.length)]),
  )
}

/** Environment variables for programs, and for `portsFromEnv()` and `namedPortSync()` in tests. */
export function tableVariables(
  names: Readonly<Record<string, string[]>>,
  table: PortTable,
): Record<string, string> {
  return {
    PORTS: Object.values(table).flat().join(','),
    ...Object.fromEntries(
      Object.entries(names).flatMap(([name, each]) =>
        each.map((port, i) => [`PORTSLICE_PORT_${variablePartOf(port)}`, String(table[name]?.[i])]),
      ),
    ),
  }
}

function invalid(problem: string, value: unknown, advice: string): PortsliceError {
  return invalidOption(`${problem} ${inspect(value)}.`, value, advice)
}
