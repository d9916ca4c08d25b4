/** Options, variables and the machine's own ports: what is worked with, and why. */
import {
  type AllocatorOptions,
  defaultRanges,
  detectShard,
  type EphemeralRange,
  ephemeralRange,
  formatRanges,
  type PortRange,
  portFromVariable,
  type ResolvedOptions,
  resolveOptions,
  type SliceStart,
  sentinelOf,
} from '@portslice/core/internal/inspect'
import { nearest } from '../command-line/usage-error.js'
import { type Finding, problem } from './finding.js'

export interface SettingsFindings {
  findings: Finding[]
  /** Missing where they make no sense. */
  settings?: ResolvedOptions
}

export function settingsFindings(
  options: Pick<AllocatorOptions, 'range' | 'shard'>,
  env: NodeJS.ProcessEnv = process.env,
): SettingsFindings {
  const findings = [ephemeralFinding()]
  let settings: ResolvedOptions
  try {
    settings = resolveOptions(options)
  } catch (error) {
    return { findings: [...findings, problem('variables', error)] }
  }
  findings.push(
    variablesFinding(env),
    rangeFinding(settings, options, env),
    shardFinding(settings, options, env),
  )
  return { findings, settings }
}

/** @param ephemeral as the system tells it, or as it is assumed */
export function ephemeralFinding(ephemeral: EphemeralRange = ephemeralRange()): Finding {
  const range = formatRanges([ephemeral])
  if (!ephemeral.isAssumed) {
    return {
      id: 'ephemeral-range',
      level: 'ok',
      message: `The system hands out ${range} by itself.`,
    }
  }
  if (process.platform !== 'linux') {
    return {
      id: 'ephemeral-range',
      level: 'ok',
      message: `The system hands out ${range} by itself, unless its setting was changed.`,
    }
  }
  return {
    id: 'ephemeral-range',
    level: 'note',
    message: `Which ports the system hands out by itself cannot be read (/proc/sys/net/ipv4/ip_local_port_range). ${range}, the default of Linux, is assumed.`,
    advice:
      'If it is another range on this machine, name one outside of it: export PORTSLICE_RANGE=…',
  }
}

/** What is set by people, and by portslice itself; beside these, `PORTSLICE_PORT_…`. */
const VARIABLES = ['PORTSLICE_RANGE', 'PORTSLICE_SHARD', 'PORTSLICE_LOCK_DIR']
const OF_PORT = 'PORTSLICE_PORT_'
const OF_RUN = ['PORTSLICE_TREE', 'PORTSLICE_RUNNER_SHARD']

/** Those that processes inherit from one another, also where they were set long ago. */
function variablesFinding(env: NodeJS.ProcessEnv): Finding {
  const set = Object.entries(env).filter(
    ([name, value]) => name.startsWith('PORTSLICE_') && !OF_RUN.includes(name) && value,
  )
  const message =
    set.length === 0
      ? 'No variable of portslice is set.'
      : `Set: ${set.map(([name, value]) => `$${name}=${value}`).join(', ')}.`
  const named = set.filter(([name]) => name.startsWith(OF_PORT))
  const unknown = set.filter(([name]) => !VARIABLES.includes(name) && !name.startsWith(OF_PORT))
  if (named.length + unknown.length === 0) return { id: 'variables', level: 'ok', message }
  try {
    for (const [name, value] of named) portFromVariable(value ?? '', name)
  } catch (error) {
    return problem('variables', error)
  }
  return {
    id: 'variables',
    level: 'note',
    message: [
      message,
      ...(named.length > 0 ? ['Processes started from here use the named ports as they are.'] : []),
      ...unknown.map(([name]) => `$${name} means nothing to portslice.`),
    ].join(' '),
    advice: [
      ...unknown.map(([name]) => {
        const others = `There are $${VARIABLES.join(', $')}.`
        return `$${name}: ${nearest(name, VARIABLES, '$') ?? others}`
      }),
      ...(named.length > 0
        ? [
            `Right within a run that set them. Elsewhere: unset ${named.map(([name]) => name).join(' ')}`,
          ]
        : []),
    ].join('\n'),
  }
}

function rangeFinding(
  { ranges, slices }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): Finding {
  return describeRange(ranges, slices, ephemeralRange(), reasonOf(options, env))
}

/**
 * @param slices those that may be used
 * @param source where the range comes from; `undefined` for the default
 */
export function describeRange(
  ranges: readonly PortRange[],
  slices: readonly SliceStart[],
  ephemeral: EphemeralRange,
  source: string | undefined,
): Finding {
  const message = `Ports are leased from ${formatRanges(ranges)}: ${source ?? whyDefault(ranges, ephemeral)}.`
  const inside = slices.filter(
    (first) => first <= ephemeral.last && sentinelOf(first) >= ephemeral.first,
  ).length
  if (inside === 0) return { id: 'range', level: 'ok', message }
  const handsOut = `the system hands out ${formatRanges([ephemeral])} by itself`
  const outside = defaultRanges(ephemeral).find((range) => !overlaps(range, ephemeral))
  return {
    id: 'range',
    level: 'note',
    message: [
      message,
      inside === slices.length
        ? `All ${inside} slices have ports of these: ${handsOut}.`
        : `${inside} of the ${slices.length} slices have such ports, as ${handsOut}; they are leased after the others.`,
    ].join(' '),
    advice: `An app that takes longer to bind its port is safer outside of ${formatRanges([ephemeral])}${
      outside
        ? `: export PORTSLICE_RANGE=${formatRanges([outside])}`
        : ', for which the system must leave room: sysctl -w net.ipv4.ip_local_port_range="32768 60999"'
    }`,
  }
}

function reasonOf(
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): string | undefined {
  if (options.range) return 'from the option --range'
  return env.PORTSLICE_RANGE ? 'from $PORTSLICE_RANGE' : undefined
}

function whyDefault(ranges: readonly PortRange[], ephemeral: PortRange): string {
  if (ranges.some((range) => overlaps(range, ephemeral))) {
    return 'all from 10000 up, as too few ports are left outside of those that the system hands out by itself'
  }
  if (ranges.every((range) => range.last < ephemeral.first)) {
    return 'from 10000 up to the last port below those that the system hands out by itself'
  }
  return ephemeral.last < 10_000
    ? 'from 10000 up, as those that the system hands out by itself are all below'
    : 'from 10000 up, without those that the system hands out by itself'
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
    const message = `This is shard ${shard.index} of ${shard.total}, says ${source}; ${
      shard.isStrict
        ? 'it uses its own part of the range and no other.'
        : 'it tries its own part of the range first, and then the rest.'
    }`
    return { id: 'shard', level: 'ok', message }
  }
  if (source === undefined) return { id: 'shard', level: 'ok', message: 'No shard is set.' }
  return {
    id: 'shard',
    level: 'note',
    message: `No shard is set: ${source} names none, and is ignored.`,
    advice:
      'Nothing needs to be done, unless jobs must keep to their own parts of the range: then set $PORTSLICE_SHARD, such as 2/4.',
  }
}
