import { inspect, invalidOption, PortsliceError } from '../errors.js'
import { oneOf } from './validate.js'

export const COORDINATOR_PACKAGES: Readonly<Record<string, string>> = {
  'postgres:': '@portslice/postgres',
  'postgresql:': '@portslice/postgres',
  'redis:': '@portslice/redis',
  'rediss:': '@portslice/redis',
}

/** Names that mean a different machine on each machine. */
const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '::1', '[::1]'])
const URL_EXAMPLE = 'for example postgres://ci@db.internal/ci or redis://cache.internal'

export type UnansweredPorts = 'skip' | 'use'

export interface ResolvedRemote {
  readonly host: string
  readonly coordinator: string
  readonly unansweredPorts: UnansweredPorts
}

interface RemoteOptions {
  readonly host?: string
  readonly coordinator?: string
  readonly unansweredPorts?: UnansweredPorts
}

interface Given {
  readonly value: string
  readonly source: string
}

/** `undefined`: the ports of this machine. */
export function resolveRemote(options: RemoteOptions): ResolvedRemote | undefined {
  const host = given(options.host, 'host', 'PORTSLICE_HOST', hostAdvice)
  const coordinator = given(
    options.coordinator,
    'coordinator',
    'PORTSLICE_COORDINATOR',
    coordinatorAdvice,
  )
  const unanswered = given(
    options.unansweredPorts,
    'unansweredPorts',
    'PORTSLICE_UNANSWERED_PORTS',
    unansweredAdvice,
  )
  if (host === undefined && coordinator === undefined) return undefined
  if (coordinator === undefined) {
    const { value, source } = host as Given
    if (LOOPBACK_NAMES.has(value)) return undefined
    throw invalidOption(
      `${source} is ${inspect(value)}, but no coordinator is given. The kernel of this machine cannot tell who has the ports of another host.`,
      value,
      `Give the URL of a database that all machines reach (option \`coordinator\`, $PORTSLICE_COORDINATOR), ${URL_EXAMPLE}; or leave the host out to lease ports of this machine.`,
    )
  }
  const shown = hidePassword(coordinator.value)
  if (host === undefined) {
    throw invalidOption(
      `${coordinator.source} is ${inspect(shown)}, but no host is given.`,
      shown,
      'Give the host whose ports are leased (option `host`, $PORTSLICE_HOST), by a name that all machines use; or leave the coordinator out to lease ports of this machine.',
    )
  }
  if (LOOPBACK_NAMES.has(host.value)) {
    throw invalidOption(
      `${host.source} is ${inspect(host.value)}, which means another machine on each machine that uses the coordinator.`,
      host.value,
      'Give a name of the host that all machines use; or leave the coordinator out to lease ports of this machine.',
    )
  }
  return {
    host: host.value.toLowerCase(),
    coordinator: coordinator.value,
    unansweredPorts: (unanswered?.value as UnansweredPorts | undefined) ?? 'skip',
  }
}

function given(
  option: string | undefined,
  name: string,
  variable: string,
  adviceFor: (value: unknown) => string | undefined,
): Given | undefined {
  if (option !== undefined) return { value: option, source: `The option \`${name}\`` }
  const value = process.env[variable]
  if (value === undefined || value === '') return undefined
  const advice = adviceFor(value)
  const shown = hidePassword(value)
  if (advice) throw invalidOption(`$${variable} is ${inspect(shown)}.`, shown, advice)
  return { value, source: `$${variable}` }
}

export function hostAdvice(value: unknown): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,253}$/.test(value)
    ? undefined
    : 'Give a host name or an IP address, without a scheme and without a port.'
}

export function coordinatorAdvice(value: unknown): string | undefined {
  const scheme = typeof value === 'string' ? schemeOf(value) : undefined
  return scheme !== undefined && Object.hasOwn(COORDINATOR_PACKAGES, scheme)
    ? undefined
    : `Give a URL that begins with ${Object.keys(COORDINATOR_PACKAGES).join(', ')}; ${URL_EXAMPLE}.`
}

export const unansweredAdvice = oneOf('skip', 'use')

export function schemeOf(url: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*:)\/\//i.exec(url)?.[1]?.toLowerCase()
}

/** A URL for messages. @param url of a database */
export function hidePassword(url: string): string {
  return url
    .replace(/(\/\/[^/?#@]*?):[^/?#]*@/, '$1:***@')
    .replace(/([?&](?:password|pass)=)[^&#]*/gi, '$1***')
}

export function coordinatorError(
  problem: string,
  url: string,
  advice: string,
  cause?: unknown,
): PortsliceError {
  const value = hidePassword(url)
  return new PortsliceError('ERR_PORTSLICE_COORDINATOR', problem, { value, advice, cause })
}
