/** Reads the lock directory of a run. */
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

/** Who still holds a slice; slices of others have no journal here. */
export async function heldIn(lockDirectory: string) {
  const slices = await listSlices({ lockDirectory })
  return slices.filter(({ state, holder }) => state === 'held' && holder !== undefined)
}
