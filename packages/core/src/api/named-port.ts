import { sharedAllocator } from '../allocator/shared-allocator.js'
import { inspect } from '../errors.js'
import type { AllocatorOptions } from '../options/options.js'
import { portFromVariable, variablePartOf } from '../options/port-name.js'
import { warnOnce } from '../platform/warn-once.js'
import { processWide } from '../process-state.js'
import { namedKey } from '../slice/key-memory.js'
import { withAwaitHint } from './await-hint.js'
import { type ConfigFile, callingConfigFile, originalOf } from './config-file.js'

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
export function namedPort(name: string, options: AllocatorOptions = {}): Promise<number> {
  const port = namedPorts([name], options).then(([port]) => port as number)
  return withAwaitHint(port, `namedPort(${inspect(name)})`)
}

/** As {@link namedPort} for several names. Leases all ports that are missing, or none. */
export async function namedPorts(
  names: readonly string[],
  options: AllocatorOptions = {},
): Promise<number[]> {
  const wanted = names.map((name) => ({ name, variable: `PORTSLICE_PORT_${variablePartOf(name)}` }))
  const named = portsByVariable()
  for (const { name, variable } of wanted) warnIfNameIsShared(name, variable)
  const missing = wanted.filter(
    ({ variable }) => !named.has(variable) && inheritedPort(variable) === undefined,
  )
  if (missing.length > 0) {
    const leased = leasePorts(missing, options)
    for (const [index, { variable }] of missing.entries()) {
      const port = leased.then((ports) => ports[index] as number)
      named.set(variable, port)
      port.catch(() => named.delete(variable))
    }
  }
  return Promise.all(
    wanted.map(({ variable }) => named.get(variable) ?? (inheritedPort(variable) as number)),
  )
}

/** @throws PortsliceError ERR_PORTSLICE_OPTION_INVALID if the variable is not a port */
function inheritedPort(variable: string): number | undefined {
  const inherited = process.env[variable]
  return inherited ? portFromVariable(inherited, variable) : undefined
}

/** Warns if two config files of one run use the same name: they share one port, perhaps by mistake. */
function warnIfNameIsShared(name: string, variable: string): void {
  const file = callingConfigFile()
  if (file === undefined) return
  const files = processWide('config files of named ports', () => new Map<string, ConfigFile>())
  const first = files.get(variable) ?? file
  files.set(variable, first)
  if (first.script === file.script) return
  const [one, other] = [originalOf(first), originalOf(file)]
  if (one === other) return
  warnOnce(
    `${variable} ${other}`,
    'PORTSLICE_SHARED_NAME',
    `${one} and ${other} both call namedPort(${inspect(name)}), and so share one port. If each is to have its own, use different names, such as ${inspect(`shop-${name}`)}.`,
  )
}

/** Includes ports that are being handed out. */
function portsByVariable(): Map<string, Promise<number>> {
  return processWide('named ports', () => new Map())
}

async function leasePorts(
  wanted: readonly { name: string; variable: string }[],
  options: AllocatorOptions,
): Promise<number[]> {
  const allocator = await sharedAllocator(options)
  const leases = await allocator.takeMany(
    wanted.map(({ name, variable }) => ({ label: name, key: namedKey(variable) })),
  )
  const ports = leases.map(({ port }) => port)
  for (const [index, { variable }] of wanted.entries()) process.env[variable] = `${ports[index]}`
  return ports
}
