/** Reads a lock directory: who has leased slices, and which ports are out. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { listSlices } from '@portslice/core'

/** The runners that the journals of a lock directory name, one for each slice. */
export function runnersIn(lockDirectory: string): string[] {
  return readdirSync(lockDirectory)
    .filter((name) => name.endsWith('.ndjson'))
    .map((name) => {
      const [lease] = readFileSync(path.join(lockDirectory, name), 'utf8').split('\n')
      return (JSON.parse(lease as string) as { runner: string }).runner
    })
    .toSorted()
}

/** The slices that are still held, without those of other lock directories. */
export async function heldIn(lockDirectory: string) {
  const slices = await listSlices({ lockDirectory })
  return slices.filter(({ state, holder }) => state === 'held' && holder !== undefined)
}

/** The ports that are out in this lock directory. */
export async function portsOut(lockDirectory: string): Promise<number[]> {
  const slices = await listSlices({ lockDirectory })
  return slices
    .filter(({ holder }) => holder)
    .flatMap(({ ports }) => ports.filter(({ state }) => state === 'out').map(({ port }) => port))
}
