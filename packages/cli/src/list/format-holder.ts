import os from 'node:os'
import path from 'node:path'
import {
  type ClaimStatus,
  type SliceStatus,
  UNKNOWN_HOLDER,
} from '@portslice/core/internal/inspect'
import { listNames, sanitize } from '../terminal/format.js'
import type { ListedSlice } from './add-slice-owners.js'
import { claimOfSentinel } from './hide-claimed-slices.js'

type Holder = NonNullable<SliceStatus['holder']>

/** `make, pid 4711` */
export function formatClaimant({ pid, command }: { pid: number; command: string }): string {
  return sanitize(`${formatCommand(command)}, pid ${pid}`)
}

/** `vitest worker 3 (2/4), pid 4711`; without a test runner, the command. */
export function formatHolder(holder: Holder | undefined): string {
  if (!holder) return UNKNOWN_HOLDER
  return `${holderName(holder)}, pid ${holder.pid}`
}

export function holderName({ runner, workerId, shard, command }: Holder): string {
  const name = runner === 'node' ? formatCommand(command) : `${runner} worker ${workerId}`
  return sanitize(`${name}${shard === undefined ? '' : ` (${shard})`}`)
}

/** `20000 (make, pid 7), 20032 (…), and 3 more` */
export function formatHolders(
  held: readonly ListedSlice[],
  claims: readonly ClaimStatus[],
  max: number,
): string {
  const names = held.map((slice) => {
    const claim = claimOfSentinel(slice, claims)
    const name = claim
      ? `port ${claim.port} is claimed by ${formatClaimant(claim)}`
      : slice.owner
        ? formatClaimant(slice.owner)
        : formatHolder(slice.holder)
    return `${slice.first} (${name})`
  })
  return listNames(names, max)
}

/** `/usr/bin/node /x/bin/portslice run -- make` becomes `portslice run -- make`. */
export function formatCommand(command: string): string {
  const [program = '', script, ...rest] = command.split(' ')
  const name = path.basename(program).replace(/\.exe$/, '')
  const words =
    name === 'node' && script ? [scriptName(script), ...rest] : [name, script ?? '', ...rest]
  return words.join(' ').trim() || 'node'
}

function scriptName(script: string): string {
  return path.basename(script) === 'portslice.js' ? 'portslice' : path.basename(script)
}

export function formatDirectory(directory: string, home = os.homedir()): string {
  const isInHome = directory === home || directory.startsWith(`${home}${path.sep}`)
  return sanitize(isInHome && home !== '/' ? `~${directory.slice(home.length)}` : directory)
}
