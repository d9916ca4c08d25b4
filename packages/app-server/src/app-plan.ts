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

/** Ready to be started. */
export interface AppPlan extends AppRequest {
  readonly lease: PortLease
  readonly further: ReadonlyMap<string, PortLease>
  /** Also those of the apps that are started with it. */
  readonly variables: PortVariables
}

export type AppPorts = Pick<AppPlan, 'lease' | 'further'>

export function leasesOf({ lease, further }: AppPorts): PortLease[] {
  return [lease, ...further.values()]
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

/** Releases all ports of the app before it throws. */
export async function leaseAppPorts(
  { name, options }: AppRequest,
  allocator: PortAllocator,
  signal: AbortSignal | undefined,
): Promise<AppPorts> {
  const { ports = [] } = options
  const label = name ?? commandLine(options)
  const leases: PortLease[] = []
  const take = async (portLabel: string) => {
    const lease = await allocator.take({
      label: portLabel.slice(0, MAX_LABEL_LENGTH),
      ...(signal && { signal }),
    })
    leases.push(lease)
    return lease
  }
  try {
    const lease = await take(label)
    const further = new Map<string, PortLease>()
    for (const port of ports) further.set(port, await take(`${label}: ${port}`))
    return { lease, further }
  } catch (error) {
    await Promise.all(leases.map((lease) => lease.release()))
    throw error
  }
}

export function planApp(request: AppRequest, all: ReadonlyMap<AppRequest, AppPorts>): AppPlan {
  const ports = all.get(request) as AppPorts
  const named = [...all].flatMap(([{ name }, { lease, further }]) =>
    name === undefined ? [...further] : [[name, lease] as const, ...further],
  )
  const names = portVariableNames(named.map(([name]) => name))
  const variables = Object.fromEntries(
    names.map((variable, index) => [variable, String(named[index]?.[1].port)]),
  )
  return { ...request, ...ports, variables: { PORT: String(ports.lease.port), ...variables } }
}
