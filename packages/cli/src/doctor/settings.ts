/** Options, variables and the machine's own ports: what is worked with, and why. */
import {
  type AllocatorOptions,
  defaultRanges,
  detectShard,
  ephemeralRange,
  formatRanges,
  type PortRange,
  portFromVariable,
  type ResolvedOptions,
  resolveOptions,
} from '@portslice/core/inspect'
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
  const findings = [systemFinding(), ephemeralFinding()]
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

function systemFinding(): Finding {
  const what = `Node ${process.versions.node} on ${process.platform} (${process.arch}).`
  return process.platform === 'linux'
    ? { id: 'system', level: 'ok', message: what }
    : {
        id: 'system',
        level: 'note',
        message: `${what} Who listens on a port can only be told on Linux.`,
      }
}

function ephemeralFinding(): Finding {
  const { first, last } = ephemeralRange()
  return {
    id: 'ephemeral-range',
    level: 'ok',
    message: `The system hands out ${first}-${last} by itself.`,
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
  { ranges }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): Finding {
  const ephemeral = ephemeralRange()
  const message = `Ports are leased from ${formatRanges(ranges)}: ${reasonOf(ranges, ephemeral, options, env)}.`
  if (!ranges.some((range) => overlaps(range, ephemeral))) {
    return { id: 'range', level: 'ok', message }
  }
  const outside = defaultRanges(ephemeral).find((range) => !overlaps(range, ephemeral))
  return {
    id: 'range',
    level: 'note',
    message: `${message} The system hands out some of these by itself; they are leased after the others, and each is kept from the system for 60 s.`,
    advice: `An app that takes longer to bind its port is safer outside of ${formatRanges([ephemeral])}${
      outside
        ? `: export PORTSLICE_RANGE=${formatRanges([outside])}`
        : ', for which the system must leave room: sysctl -w net.ipv4.ip_local_port_range="32768 60999"'
    }`,
  }
}

function reasonOf(
  ranges: readonly PortRange[],
  ephemeral: PortRange,
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): string {
  if (options.range) return 'from the option --range'
  if (env.PORTSLICE_RANGE) return 'from $PORTSLICE_RANGE'
  if (ranges.some((range) => overlaps(range, ephemeral))) {
    return 'all from 10000 up, as the system hands out nearly all of them by itself'
  }
  return ranges.every((range) => range.last < ephemeral.first)
    ? 'from 10000 up to the last port below those that the system hands out by itself'
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
