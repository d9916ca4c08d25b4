import type { PortAllocator, PortLease } from '@portslice/core'
import { type AppOptions, checkReadyUrl } from './options.js'
import { type PortVariables, portVariableNames, replacePortPlaceholders } from './placeholders.js'
import { commandLine } from './start-error.js'

/** The longest label of a port that core accepts. */
const MAX_LABEL_LENGTH = 1000

export interface AppRequest {
  readonly name: string | undefined
  readonly options: AppOptions
}

/** An app with its ports, before its start. */
export interface AppPlan extends AppRequest {
  readonly lease: PortLease
  /** By the names in the option `ports`. */
  readonly extraLeases: ReadonlyMap<string, PortLease>
  /** Includes the ports of the apps that start with it. */
  readonly variables: PortVariables
}

export type AppPorts = Pick<AppPlan, 'lease' | 'extraLeases'>

export function leasesOf({ lease, extraLeases }: AppPorts): PortLease[] {
  return [lease, ...extraLeases.values()]
}

/** Checks all apps before anything is leased or started. @throws PortsliceError */
export function checkPlaceholders(requests: readonly AppRequest[]): void {
  const names = requests.flatMap(({ name, options: { ports = [] } }) =>
    name === undefined ? ports : [name, ...ports],
  )
  const variables = Object.fromEntries(
    ['PORT', ...portVariableNames(names)].map((each) => [each, '1']),
  )
  for (const { options } of requests) {
    const { command, env = {}, ready } = options
    for (const text of [command, Object.values(env)].flat()) {
      if (text !== undefined) replacePortPlaceholders(text, variables)
    }
    if (typeof ready === 'string') checkReadyUrl(replacePortPlaceholders(ready, variables))
  }
}

/** Leases all ports of all apps, or none. */
export async function leaseAppPorts(
  requests: readonly AppRequest[],
  allocator: PortAllocator,
  signal: AbortSignal | undefined,
): Promise<Map<AppRequest, AppPorts>> {
  const wanted = requests.flatMap(({ name, options }) => {
    const label = name ?? commandLine(options)
    return [label, ...(options.ports ?? []).map((port) => `${label}: ${port}`)]
  })
  const leases = await allocator.takeMany(
    wanted.map((label) => ({ label: label.slice(0, MAX_LABEL_LENGTH) })),
    { ...(signal && { signal }) },
  )
  return new Map(
    requests.map((request) => {
      const lease = leases.shift() as PortLease
      const { ports = [] } = request.options
      const extraLeases = new Map(ports.map((port) => [port, leases.shift() as PortLease]))
      return [request, { lease, extraLeases }]
    }),
  )
}

export function planApp(request: AppRequest, all: ReadonlyMap<AppRequest, AppPorts>): AppPlan {
  const ports = all.get(request) as AppPorts
  const named = [...all].flatMap(([{ name }, { lease, extraLeases }]) =>
    name === undefined ? [...extraLeases] : [[name, lease] as const, ...extraLeases],
  )
  const names = portVariableNames(named.map(([name]) => name))
  const variables = Object.fromEntries(
    names.map((variable, index) => [variable, String(named[index]?.[1].port)]),
  )
  return { ...request, ...ports, variables: { PORT: String(ports.lease.port), ...variables } }
}
