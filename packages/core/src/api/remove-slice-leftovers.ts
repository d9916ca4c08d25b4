import { lstatSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { claimContextOf } from '../allocator/open-claim-context.js'
import { resolveOptions } from '../options/resolve.js'
import { hostIdentity } from '../platform/host.js'
import { holdUdpPort } from '../probe/hold-udp-port.js'
import { isListening } from '../probe/listening.js'
import { type SliceStart, sentinelOf } from '../slice/layout.js'
import { Lock } from '../slice/lock.js'
import { findHolderState, isDeadDraft } from '../slice/lock-holder.js'
import { Slice } from '../slice/slice.js'
import { journalPath, sliceOfFile } from '../slice/slice-paths.js'
import { quarantineAfter, readSliceRecord } from '../slice/slice-record.js'
import { isRecent, type Leftover, quarantineReason, type ReasonToKeep } from './leftover.js'

/** A lock that is being created, or that was moved away. */
const LOCK_DRAFT = /^\d+\.[0-9a-z-]+\.(?:new|old)$/

export async function removeSliceLeftovers(
  lockDirectory: string,
  dryRun: boolean,
): Promise<Leftover[]> {
  const found: Leftover[] = []
  for (const [slice, names] of filesBySlice(lockDirectory)) {
    const leftover = await removeSlice(lockDirectory, slice, names, dryRun)
    if (leftover) found.push(leftover)
    if (leftover?.kept === 'quarantined' && !dryRun) await startQuarantine(lockDirectory, slice)
  }
  return found
}

/** Leasing the slice records the death of its holder. */
async function startQuarantine(lockDirectory: string, slice: SliceStart): Promise<void> {
  const leased = await Slice.lease(slice, claimContextOf(resolveOptions({ lockDirectory })))
  await leased?.giveBackWhenUnused()
}

function filesBySlice(lockDirectory: string): Map<SliceStart, string[]> {
  const files = new Map<SliceStart, string[]>()
  for (const name of readdirSync(lockDirectory).sort()) {
    const slice = sliceOfFile(name)
    if (slice !== undefined) files.set(slice, [...(files.get(slice) ?? []), name])
  }
  return files
}

async function removeSlice(
  lockDirectory: string,
  slice: SliceStart,
  names: readonly string[],
  dryRun: boolean,
): Promise<Leftover | undefined> {
  const last = sentinelOf(slice)
  const sentinel = await holdUdpPort(last)
  try {
    // Listed again, because the holder may have given the slice back just now.
    const files = existingFiles(lockDirectory, names)
    if (files.length === 0) return undefined
    const leftover = { first: slice, last, files }
    if (!sentinel) return { ...leftover, kept: 'held' }
    const reason = await reasonToKeep(lockDirectory, slice)
    if (reason) return { ...leftover, ...reason }
    if (dryRun || (await removeLocked(lockDirectory, slice, files))) return leftover
    return { ...leftover, kept: 'locked' }
  } finally {
    await sentinel?.close()
  }
}

/** Call with the sentinel held. */
async function reasonToKeep(
  lockDirectory: string,
  slice: SliceStart,
): Promise<ReasonToKeep | undefined> {
  const record = readSliceRecord(journalPath(lockDirectory, slice))
  const context = { host: hostIdentity(), holdsSentinel: true }
  const holder = await findHolderState(lockDirectory, slice, context)
  if (holder === 'alive') return { kept: 'held' }
  if (holder === 'unknown') return { kept: record?.lease ? 'elsewhere' : 'locked' }
  if (!record) return undefined
  const quarantine = quarantineAfter(record, slice).map(({ leftMs }) => leftMs)
  if (quarantine.length > 0) return quarantineReason(Math.max(...quarantine))
  for (const { port, state } of record.ports) {
    // The journal is needed to show which process has leaked the port.
    if (state === 'leaked' && (await isListening(port))) return { kept: 'leaked' }
  }
  return undefined
}

/** Holds the lock meanwhile, against holders in other network namespaces. */
async function removeLocked(
  lockDirectory: string,
  slice: SliceStart,
  files: readonly string[],
): Promise<boolean> {
  const lock = new Lock(lockDirectory, slice, hostIdentity(), { refreshed() {}, lost() {} })
  if (!(await lock.acquire())) return false
  try {
    for (const name of files) {
      if (name.endsWith('.lock')) continue // Removed by its release.
      const file = path.join(lockDirectory, name)
      if (LOCK_DRAFT.test(name) && !(await isAbandoned(file))) continue
      rmSync(file, { recursive: true, force: true })
    }
  } finally {
    await lock.release()
  }
  return true
}

async function isAbandoned(draft: string): Promise<boolean> {
  return !isRecent(draft) || isDeadDraft(draft, { host: hostIdentity(), holdsSentinel: true })
}

function existingFiles(lockDirectory: string, names: readonly string[]): string[] {
  return names.filter((name) =>
    lstatSync(path.join(lockDirectory, name), { throwIfNoEntry: false }),
  )
}
