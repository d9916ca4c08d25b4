/** One port number for a process and all that it starts, found again by its name. */
import { sharedAllocator } from './allocator/shared-allocator.js'
import { FIRST_UNPRIVILEGED_PORT, LAST_PORT } from './arithmetic/slices.js'
import { PortsliceError, quoted } from './errors.js'
import { processState } from './process-state.js'
import type { AllocatorOptions } from './settings/options.js'
import { variablePartOf } from './settings/port-name.js'

/**
 * Hands out one port for a name, for config files: the first process that asks leases it
 * until it ends, and all its descendants are given the same number, through the environment
 * variable `PORTSLICE_PORT_<NAME>`. Two runs at once get different ones.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`. Names that differ only in
 *   case, or in `-` and `_`, are the same.
 * @param options as of `createAllocator`; they count for the process that asks first
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID for a bad name or a variable that holds
 *   no port; as `createAllocator` does
 * @example
 * // playwright.config.ts
 * const web = await namedPort('web')
 * export default defineConfig({ webServer: { command: `vite --port ${web} --strictPort`, port: web } })
 */
export async function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  const variable = `PORTSLICE_PORT_${variablePartOf(name)}`
  const { named } = processState()
  const known = named.get(variable)
  if (known) return known
  const inherited = process.env[variable]
  if (inherited !== undefined && inherited !== '') return portFrom(inherited, variable)

  const port = leasePort(name, variable, options)
  named.set(variable, port)
  port.catch(() => named.delete(variable))
  return port
}

async function leasePort(
  name: string,
  variable: string,
  options: AllocatorOptions,
): Promise<number> {
  const allocator = await sharedAllocator(options)
  const { port } = await allocator.take({ label: name, key: `named:${variable}` })
  process.env[variable] = String(port)
  return port
}

function portFrom(text: string, variable: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (port >= FIRST_UNPRIVILEGED_PORT && port <= LAST_PORT) return port
  throw new PortsliceError(
    'ERR_PORTSLICE_OPTION_INVALID',
    `The environment variable $${variable} is ${quoted(text)}, which is no port.`,
    {
      value: text,
      advice: 'Unset it: portslice sets it by itself for the processes that this one starts.',
    },
  )
}
