/** A temporary lock directory and unused slices, for the tests of this package. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { isFree } from './probe/free.js'
import { holdUdpPort } from './probe/hold-udp-port.js'
import { AVOIDED_PORTS } from './slice/avoided-ports.js'
import {
  type PortRange,
  portsOf,
  SLICE_SIZE,
  type SliceStart,
  sentinelOf,
  slicesIn,
} from './slice/layout.js'

/** Below the default range: no process that uses the defaults leases a slice there. */
const UNUSED: PortRange = { first: 1024, last: 9999 }

export function temporaryFolder(): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'portslice-unit-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/**
 * A range of `count` whole slices that are not held and in which no program listens. Until the test
 * ends, TCP listeners on their sentinels, which leases ignore, keep other tests from choosing it.
 *
 * @param isMarked whether there are such listeners; a test that claims a sentinel cannot have them
 */
export async function ownRange(
  count = 1,
  { isMarked = true } = {},
): Promise<readonly [number, number]> {
  const all = slicesIn(UNUSED).filter((slice) => !portsOf(slice).some(isAvoided))
  const start = Math.floor(Math.random() * all.length)
  const rotated = [...all.slice(start), ...all.slice(0, start)]
  for (let i = 0; i + count <= rotated.length; i++) {
    const run = rotated.slice(i, i + count)
    if ((run.at(-1) as number) - (run[0] as number) !== (count - 1) * SLICE_SIZE) continue
    const markers = await Promise.all(run.map((slice) => listen(sentinelOf(slice))))
    if (markers.every(Boolean) && (await areFree(run))) {
      if (isMarked) onTestFinished(() => closeAll(markers))
      else closeAll(markers)
      return [run[0] as number, sentinelOf(run.at(-1) as number)]
    }
    closeAll(markers)
  }
  throw new Error(`No ${count} neighbouring slices are free on this machine.`)
}

const isAvoided = (port: number) => AVOIDED_PORTS.has(port)

function listen(port: number): Promise<net.Server | undefined> {
  const server = net.createServer().listen({ port, exclusive: true }).unref()
  return once(server, 'listening').then(
    () => server,
    () => undefined,
  )
}

function closeAll(servers: readonly (net.Server | undefined)[]): void {
  for (const server of servers) server?.close()
}

/** Programs that do not use portslice may listen there. */
async function areFree(slices: readonly SliceStart[]): Promise<boolean> {
  const sentinels = await Promise.all(slices.map((slice) => holdUdpPort(sentinelOf(slice))))
  const ports = await Promise.all(slices.flatMap(portsOf).map(isFree))
  await Promise.all(sentinels.map((sentinel) => sentinel?.close()))
  return sentinels.every(Boolean) && ports.every(Boolean)
}
