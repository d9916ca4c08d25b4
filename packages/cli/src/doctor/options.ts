import {
  type AllocatorOptions,
  defaultRanges,
  detectShard,
  ephemeralRange,
  formatRanges,
  hidePassword,
  INTERNAL_VARIABLES,
  isPortVariable,
  type PortRange,
  portFromVariable,
  type ResolvedOptions,
  refuseMisspeltVariables,
  resolveOptions,
  sentinelOf,
  system,
  unknownVariables,
  VARIABLES,
} from '@portslice/core/internal/inspect'
import { type Finding, note, ok, problemFromError } from './finding.js'

export interface OptionsFindings {
  findings: Finding[]
  /** Missing if the options are invalid. */
  resolved?: ResolvedOptions
}

export function optionsFindings(
  options: Pick<AllocatorOptions, 'range' | 'shard'>,
  env: NodeJS.ProcessEnv = process.env,
): OptionsFindings {
  const findings = [ephemeralFinding()]
  let resolved: ResolvedOptions
  try {
    resolved = resolveOptions(options)
  } catch (error) {
    return { findings: [...findings, problemFromError('variables', error)] }
  }
  findings.push(
    variablesFinding(env),
    rangeFinding(resolved, options, env),
    shardFinding(resolved, options, env),
  )
  return { findings, resolved }
}

function ephemeralFinding(): Finding {
  const ephemeral = ephemeralRange()
  const range = formatRanges([ephemeral])
  if (!ephemeral.isAssumed) {
    return ok('ephemeral-range', `The ephemeral ports of the system are ${range}.`)
  }
  if (!system.hasProc) {
    return ok(
      'ephemeral-range',
      `The ephemeral ports of the system are ${range}, unless the setting was changed.`,
    )
  }
  return note(
    'ephemeral-range',
    `The range of ephemeral ports cannot be read (/proc/sys/net/ipv4/ip_local_port_range). portslice assumes ${range}, the default of Linux.`,
    'If this machine uses another range, choose ports outside of it: export PORTSLICE_RANGE=…',
  )
}

function variablesFinding(env: NodeJS.ProcessEnv): Finding {
  const internal: readonly string[] = INTERNAL_VARIABLES
  const set = Object.entries(env).filter(
    ([name, value]) => name.startsWith('PORTSLICE_') && !internal.includes(name) && value,
  )
  const message =
    set.length === 0
      ? 'No variable of portslice is set.'
      : `Set: ${set.map(([name, value]) => `$${name}=${hidePassword(value ?? '')}`).join(', ')}.`
  const named = set.filter(([name]) => isPortVariable(name))
  const unknown = unknownVariables(env)
  if (named.length + unknown.length === 0) return ok('variables', message)
  try {
    refuseMisspeltVariables(env)
    for (const [name, value] of named) portFromVariable(value ?? '', name)
  } catch (error) {
    return problemFromError('variables', error)
  }
  return note(
    'variables',
    [
      message,
      ...(named.length > 0
        ? ['Processes started from here use these named ports without a lease.']
        : []),
      ...unknown.map((name) => `$${name} is not a variable of portslice.`),
    ].join(' '),
    [
      ...(unknown.length > 0 ? [`The variables are $${VARIABLES.join(', $')}.`] : []),
      ...(named.length > 0
        ? [
            `This is correct inside the run that set them. Elsewhere: unset ${named.map(([name]) => name).join(' ')}`,
          ]
        : []),
    ].join('\n'),
  )
}

function rangeFinding(
  { ranges, slices }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): Finding {
  const ephemeral = ephemeralRange()
  const source = rangeSource(options, env) ?? explainDefault(ranges, ephemeral)
  const message = `Ports are leased from ${formatRanges(ranges)}: ${source}.`
  const all = [...slices]
  const inside = all.filter(
    (first) => first <= ephemeral.last && sentinelOf(first) >= ephemeral.first,
  ).length
  if (inside === 0) return ok('range', message)
  const reason = `the system gives ${formatRanges([ephemeral])} to outgoing connections`
  const outside = defaultRanges(ephemeral).find((range) => !overlaps(range, ephemeral))
  return note(
    'range',
    [
      message,
      inside === all.length
        ? `All ${inside} slices contain ephemeral ports: ${reason}.`
        : `${inside} of the ${all.length} slices contain ephemeral ports, because ${reason}; they are leased after the others.`,
    ].join(' '),
    `Use ports outside of ${formatRanges([ephemeral])} for apps that take long to bind their port${
      outside
        ? `: export PORTSLICE_RANGE=${formatRanges([outside])}`
        : '; the system must leave room for them: sysctl -w net.ipv4.ip_local_port_range="32768 60999"'
    }`,
  )
}

/** `undefined` for the default range. */
function rangeSource(
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (options.range) return 'from the option --range'
  return env.PORTSLICE_RANGE ? 'from $PORTSLICE_RANGE' : undefined
}

function explainDefault(ranges: readonly PortRange[], ephemeral: PortRange): string {
  if (ranges.some((range) => overlaps(range, ephemeral))) {
    return 'all from 10000 up, because too few ports are outside of the ephemeral range'
  }
  if (ranges.every((range) => range.last < ephemeral.first)) {
    return 'from 10000 to the last port below the ephemeral range'
  }
  return ephemeral.last < 10_000
    ? 'from 10000 up, because the ephemeral range is below'
    : 'from 10000 up, without the ephemeral range'
}

function overlaps(a: PortRange, b: PortRange): boolean {
  return a.first <= b.last && b.first <= a.last
}

function shardFinding(
  { shard }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'shard'>,
  env: NodeJS.ProcessEnv,
): Finding {
  const source = options.shard ? 'the option --shard' : detectShard(env)?.source
  if (shard) {
    const message = `This is shard ${shard.index} of ${shard.total}, from ${source}; ${
      shard.isStrict
        ? 'it uses only its own part of the range.'
        : 'it tries its own part of the range first, then the rest.'
    }`
    return ok('shard', message)
  }
  if (source === undefined) return ok('shard', 'No shard is set.')
  return note(
    'shard',
    `No shard is set: ${source} does not describe a shard and is ignored.`,
    'Nothing needs to be done, unless jobs need separate parts of the range: then set $PORTSLICE_SHARD, such as 2/4.',
  )
}
