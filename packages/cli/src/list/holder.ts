/** Who holds a slice, in a few words. */
import os from 'node:os'
import path from 'node:path'
import {
  type ClaimStatus,
  type SliceStatus,
  UNKNOWN_HOLDER,
} from '@portslice/core/internal/inspect'
import { sanitize } from '../terminal/format.js'
import { claimOn } from './claimed.js'
import type { ListedSlice } from './owner.js'

type Holder = NonNullable<SliceStatus['holder']>

/** Such as `make, pid 4711`. */
export function claimantText({ pid, command }: { pid: number; command: string }): string {
  return sanitize(`${commandText(command)}, pid ${pid}`)
}

/** Such as `vitest worker 3 (2/4), pid 4711`; without a test runner, the command instead. */
export function holderText(holder: Holder | undefined): string {
  if (!holder) return UNKNOWN_HOLDER
  return `${holderName(holder)}, pid ${holder.pid}`
}

/** The same without the pid. */
export function holderName({ runner, workerId, shard, command }: Holder): string {
  const who = runner === 'node' ? commandText(command) : `${runner} worker ${workerId}`
  return sanitize(`${who}${shard === undefined ? '' : ` (${shard})`}`)
}

/** Those who hold slices, the first `most` by name: `20000 (make, pid 7), 20032 (…), and 3 more`. */
export function holdersText(
  held: readonly ListedSlice[],
  claims: readonly ClaimStatus[],
  most: number,
): string {
  const names = held.slice(0, most).map((slice) => {
    const claim = claimOn(slice, claims)
    const who = claim
      ? `port ${claim.port} is claimed by ${claimantText(claim)}`
      : slice.owner
        ? claimantText(slice.owner)
        : holderText(slice.holder)
    return `${slice.first} (${who})`
  })
  const more = held.length - most
  return [...names, ...(more > 0 ? [`and ${more} more`] : [])].join(', ')
}

/** `/usr/bin/node /x/bin/portslice run -- make` is known as `portslice run -- make`. */
export function commandText(command: string): string {
  const [program = '', script, ...rest] = command.split(' ')
  const name = path.basename(program).replace(/\.exe$/, '')
  const words =
    name === 'node' && script ? [nameOf(script), ...rest] : [name, script ?? '', ...rest]
  return words.join(' ').trim() || 'node'
}

function nameOf(script: string): string {
  return path.basename(script) === 'portslice.js' ? 'portslice' : path.basename(script)
}

/** The folder with `~` for the user's own, as shells show it. */
export function folderText(folder: string, home = os.homedir()): string {
  const isInHome = folder === home || folder.startsWith(`${home}${path.sep}`)
  return sanitize(isInHome && home !== '/' ? `~${folder.slice(home.length)}` : folder)
}
