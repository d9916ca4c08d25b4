import { type ResolvedOptions, resolveLockDirectory } from '@portslice/core/internal/inspect'
import { readArguments, type Syntax } from '../command-line/arguments.js'
import {
  parseRangeAndShard,
  RANGE_AND_SHARD,
  RANGE_AND_SHARD_HELP,
} from '../command-line/range-and-shard.js'
import { claimsFinding } from '../doctor/claims.js'
import { coordinatorFindings } from '../doctor/coordinator.js'
import { dockerFinding } from '../doctor/docker.js'
import { type Finding, runCheck } from '../doctor/finding.js'
import { foreignFinding } from '../doctor/foreign-listeners.js'
import { leftoversFinding } from '../doctor/leftovers.js'
import { lockDirectoryFindings } from '../doctor/lock-directory.js'
import { optionsFindings } from '../doctor/options.js'
import { redirectedFinding } from '../doctor/redirected-ports.js'
import { doctorDocument, doctorText, isHealthy } from '../doctor/report.js'
import { slicesFindings } from '../doctor/slices.js'
import {
  addressesFinding,
  networkFinding,
  permissionsFinding,
  processesFinding,
  systemFinding,
} from '../doctor/system.js'
import { timeWaitFinding } from '../doctor/time-wait.js'
import { coloursFor } from '../terminal/colours.js'
import { lineLimitOf } from '../terminal/columns.js'
import { formatJson } from '../terminal/format-json.js'

export const help = `portslice doctor: checks whether portslice works on this machine, and suggests repairs

  portslice doctor
  portslice doctor --json | jq '.findings[] | select(.level == "problem")'

Options
  --json               prints JSON; docs/json.md has the schema
${RANGE_AND_SHARD_HELP}

The exit status is 1 if portslice cannot guarantee here that each port has one owner at a time.
`

export const syntax: Syntax<'json' | 'range' | 'shard'> = {
  command: 'doctor',
  options: { json: { type: 'boolean' }, ...RANGE_AND_SHARD },
}

export async function run(args: string[]): Promise<number> {
  const given = readArguments(syntax, args)
  const { resolved, findings } = optionsFindings(parseRangeAndShard(given).options)
  if (resolved?.remote) {
    const found = await runCheck('coordinator', () => coordinatorFindings(resolved))
    return print([systemFinding(), ...findings, ...found], given.has('json'))
  }
  const all = [...(await machineFindings()), ...findings, ...(await lockDirectoryAndDocker())]
  const hasLoopback = !all.some(({ id, level }) => id === 'addresses' && level === 'problem')
  // Without loopback, every check of ports would fail.
  if (resolved && hasLoopback) all.push(...(await portsFindings(resolved)))
  // An unsafe lock directory must not be read.
  if (!all.some(({ id, level }) => id === 'lock-directory' && level === 'problem')) {
    all.push(...(await runCheck('left-behind', leftoversFinding)))
  }
  return print(all, given.has('json'))
}

function print(all: readonly Finding[], isJson: boolean): number {
  const { stdout } = process
  stdout.write(
    isJson
      ? formatJson(doctorDocument(all))
      : doctorText(all, coloursFor(stdout), lineLimitOf(stdout)),
  )
  return isHealthy(all) ? 0 : 1
}

async function machineFindings(): Promise<Finding[]> {
  return [
    systemFinding(),
    ...(await runCheck('permissions', () => permissionsFinding(resolveLockDirectory(undefined)))),
    ...(await runCheck('processes', () => processesFinding())),
    ...(await runCheck('network', () => networkFinding())),
    ...(await runCheck('addresses', () => addressesFinding())),
  ]
}

async function lockDirectoryAndDocker(): Promise<Finding[]> {
  return [
    ...(await runCheck('lock-directory', () => lockDirectoryFindings())),
    ...(await runCheck('docker', () => dockerFinding(resolveLockDirectory(undefined)))),
  ]
}

async function portsFindings(resolved: ResolvedOptions): Promise<Finding[]> {
  const found = await runCheck('slices', () => slicesFindings(resolved))
  // If no port can be bound, the other checks that bind ports would fail as well.
  const canBind = !found.some(({ id, level }) => id === 'sockets' && level === 'problem')
  return [
    ...found,
    ...(await runCheck('claims', claimsFinding)),
    ...(canBind ? await runCheck('time-wait', () => timeWaitFinding(resolved)) : []),
    ...(canBind ? await runCheck('redirected-ports', () => redirectedFinding(resolved)) : []),
    ...(await runCheck('foreign-listeners', () => foreignFinding(resolved))),
  ]
}
