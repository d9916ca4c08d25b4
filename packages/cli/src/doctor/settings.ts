/** Options, variables and the machine's own ports: what is worked with, and why. */
import {
  type AllocatorOptions,
  ephemeralRange,
  type PortRange,
  portFromVariable,
  type ResolvedOptions,
  resolveOptions,
  sourceOfShard,
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
const OF_TREE = 'PORTSLICE_TREE'

/** Those that processes inherit from one another, also where they were set long ago. */
function variablesFinding(env: NodeJS.ProcessEnv): Finding {
  const set = Object.entries(env).filter(
    ([name, value]) => name.startsWith('PORTSLICE_') && name !== OF_TREE && value,
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
  { range }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'range'>,
  env: NodeJS.ProcessEnv,
): Finding {
  const ephemeral = ephemeralRange()
  const why = options.range
    ? 'from the option --range'
    : env.PORTSLICE_RANGE
      ? 'from $PORTSLICE_RANGE'
      : range.last === ephemeral.first - 1
        ? 'from 10000 up to the last port below those that the system hands out by itself'
        : 'all from 10000 up, as the system hands out nearly all of them by itself'
  const message = `Ports are leased from ${range.first}-${range.last}: ${why}.`
  if (!overlaps(range, ephemeral)) return { id: 'range', level: 'ok', message }
  return {
    id: 'range',
    level: 'note',
    message: `${message} The system hands out some of these by itself; each of them is kept from it for 60 s when it is leased.`,
    advice: `An app that takes longer to bind its port is safer below ${ephemeral.first}${
      ephemeral.first > 10_031
        ? `: export PORTSLICE_RANGE=10000-${ephemeral.first - 1}`
        : ', for which the system must leave room: sysctl -w net.ipv4.ip_local_port_range="32768 60999"'
    }`,
  }
}

function overlaps(a: PortRange, b: PortRange): boolean {
  return a.first <= b.last && b.first <= a.last
}

function shardFinding(
  { shard }: ResolvedOptions,
  options: Pick<AllocatorOptions, 'shard'>,
  env: NodeJS.ProcessEnv,
): Finding {
  if (!shard) return { id: 'shard', level: 'ok', message: 'This is no shard of a run.' }
  const source = options.shard ? 'the option --shard' : sourceOfShard(env)
  return {
    id: 'shard',
    level: 'ok',
    message: `This is shard ${shard.index} of ${shard.total}, says ${source}; it has its own part of the range.`,
  }
}
