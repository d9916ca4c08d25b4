import { lockDirectoryFor, type ResolvedOptions } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import { RANGE_AND_SHARD, RANGE_AND_SHARD_HELP, rangeAndShardOf } from '../command-line/settings.js'
import { dockerFinding } from '../doctor/docker.js'
import { type Finding, findingsOf } from '../doctor/finding.js'
import { foreignFinding, leftBehindFinding } from '../doctor/foreign.js'
import { claimsFinding, redirectedFinding, timeWaitFinding } from '../doctor/guarded.js'
import { lockDirectoryFindings } from '../doctor/lock-directory.js'
import { doctorDocument, doctorText, isHealthy } from '../doctor/report.js'
import { settingsFindings } from '../doctor/settings.js'
import { slicesFindings } from '../doctor/slices.js'
import {
  addressesFinding,
  networkFinding,
  permissionsFinding,
  processesFinding,
  systemFinding,
} from '../doctor/system.js'
import { jsonText } from '../list/json.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/width.js'

export const help = `portslice doctor: what portslice finds on this machine, and what to do about it

  portslice doctor
  portslice doctor --json | jq '.findings[] | select(.level == "problem")'

Options
  --json    as JSON; docs/command.md has the schema
${RANGE_AND_SHARD_HELP}

The exit status is 1 when the promise cannot be kept: no port that a run is given is anybody else's.
`

const SYNTAX: Syntax<'json' | 'range' | 'shard'> = {
  command: 'doctor',
  options: { json: { type: 'boolean' }, ...RANGE_AND_SHARD },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(SYNTAX, args)
  const { settings, findings } = settingsFindings(rangeAndShardOf(given).options)
  const all = [...(await machineFindings()), ...findings, ...(await lockDirectoryAndDocker())]
  const hasLoopback = !all.some(({ id, level }) => id === 'addresses' && level === 'problem')
  // Without loopback every check of ports would fail, for that reason alone.
  if (settings && hasLoopback) all.push(...(await portsFindings(settings)))
  // One that must not be used is not looked into either.
  if (!all.some(({ id, level }) => id === 'lock-directory' && level === 'problem')) {
    all.push(...(await findingsOf('left-behind', leftBehindFinding)))
  }
  const { stdout } = process
  stdout.write(
    given.has('json')
      ? jsonText(doctorDocument(all))
      : doctorText(all, coloursFor(stdout), lineLimitOf(stdout)),
  )
  return isHealthy(all) ? 0 : 1
}

async function machineFindings(): Promise<Finding[]> {
  return [
    systemFinding(),
    ...(await findingsOf('permissions', () => permissionsFinding(lockDirectoryFor(undefined)))),
    ...(await findingsOf('processes', () => processesFinding())),
    ...(await findingsOf('network', () => networkFinding())),
    ...(await findingsOf('addresses', () => addressesFinding())),
  ]
}

async function lockDirectoryAndDocker(): Promise<Finding[]> {
  return [
    ...(await findingsOf('lock-directory', () => lockDirectoryFindings())),
    ...(await findingsOf('docker', () => dockerFinding(lockDirectoryFor(undefined)))),
  ]
}

async function portsFindings(settings: ResolvedOptions): Promise<Finding[]> {
  const found = await findingsOf('slices', () => slicesFindings(settings))
  // Without sockets the other checks fail for the same reason.
  const canBind = !found.some(({ id, level }) => id === 'sockets' && level === 'problem')
  return [
    ...found,
    ...(await findingsOf('claims', claimsFinding)),
    ...(canBind ? await findingsOf('time-wait', () => timeWaitFinding(settings)) : []),
    ...(canBind ? await findingsOf('redirected-ports', () => redirectedFinding(settings)) : []),
    ...(await findingsOf('foreign-listeners', () => foreignFinding(settings))),
  ]
}
