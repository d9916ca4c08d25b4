import { sharedAllocator } from '../allocator/shared.js'
import type { AllocatorOptions } from '../options/options.js'
import { portFromVariable, variablePartOf } from '../options/port-name.js'
import { processWide } from '../process-state.js'
import { namedKey } from '../slice/key-memory.js'

/**
 * Hands out one port for a name, for config files: the first process that asks leases it
 * until it ends, and its descendants get the same port through the environment variable
 * `PORTSLICE_PORT_<NAME>`. Concurrent runs get different ports.
 *
 * @param name starts with a letter; letters, digits, `-` and `_`. Names that differ only in
 *   case, or in `-` and `_`, are the same.
 * @param options as for `createAllocator`; only those of the first process that asks have an effect
 * @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID if the name is invalid or the variable is not
 *   a port; as `createAllocator` does
 * @example
 * // playwright.config.ts
 * const web = await namedPort('web')
 * export default defineConfig({ webServer: { command: `vite --port ${web} --strictPort`, port: web } })
 */
export async function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  const variable = `PORTSLICE_PORT_${variablePartOf(name)}`
  const named = portsByVariable()
  const known = named.get(variable)
  if (known) return known
  const inherited = process.env[variable]
  if (inherited !== undefined && inherited !== '') return portFromVariable(inherited, variable)

  const port = leasePort(name, variable, options)
  named.set(variable, port)
  port.catch(() => named.delete(variable))
  return port
}

/** Also those that are being handed out. */
function portsByVariable(): Map<string, Promise<number>> {
  return processWide('named ports', () => new Map())
}

async function leasePort(
  name: string,
  variable: string,
  options: AllocatorOptions,
): Promise<number> {
  const allocator = await sharedAllocator(options)
  const { port } = await allocator.take({ label: name, key: namedKey(variable) })
  process.env[variable] = String(port)
  return port
}
