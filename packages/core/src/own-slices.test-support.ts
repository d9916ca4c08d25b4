/** For the tests of this package: a lock directory and slices of the test's own. */
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { createAllocator } from './allocator/allocator.js'
import { ephemeralRange } from './platform/host.js'
import { isFree } from './probe/free.js'
import { holdUdpPort } from './probe/held-udp.js'
import { defaultRanges, type PortRange, portsOf, sentinelOf, slicesIn } from './slice/layout.js'

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A range of `count` whole slices that are not held and in which no program listens. */
export async function ownRange(
  count = 1,
  within = defaultRanges(ephemeralRange())[0] as PortRange,
): Promise<readonly [number, number]> {
  // An allocator of a name of its own finds the place, so that parallel tests start elsewhere.
  await using probe = await createAllocator({
    range: [within.first, within.last],
    lockDirectory: temporaryFolder(),
    workerId: 1 + Math.floor(Math.random() * 100_000),
  })
  const start = probe.slices[0]?.first as number
  const all = slicesIn(within)
  const rotated = [...all.slice(all.indexOf(start)), ...all.slice(0, all.indexOf(start))]
  await probe.close()
  for (let i = 0; i + count <= rotated.length; i++) {
    const run = rotated.slice(i, i + count)
    if ((run.at(-1) as number) - (run[0] as number) !== (count - 1) * 32) continue
    const sentinels = await Promise.all(run.map((slice) => holdUdpPort(sentinelOf(slice))))
    // A program that does not use portslice may listen there.
    const free = await Promise.all(run.flatMap(portsOf).map(isFree))
    await Promise.all(sentinels.map((sentinel) => sentinel?.close()))
    if (sentinels.every(Boolean) && free.every(Boolean))
      return [run[0] as number, sentinelOf(run.at(-1) as number)]
  }
  throw new Error(`No ${count} neighbouring slices are free on this machine.`)
}
