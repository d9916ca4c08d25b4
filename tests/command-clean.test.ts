/** `portslice clean`. */
import { readdirSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { portslice, type StartOptions, sh, start, temporaryFolder } from './command-run.ts'

let lockDirectory: string
let options: StartOptions
beforeEach(() => {
  lockDirectory = path.join(temporaryFolder(), 'locks')
  options = { lockDirectory }
})

describe('clean', () => {
  test('clean removes what a killed run left once its quarantine has ended', async () => {
    // Of a checkout of its own: others of this one would soon lease the slice that it leaves.
    const own = { ...options, cwd: temporaryFolder() }
    const run = start(['run', '--', ...sh('echo $PORT; read x')], own)
    await run.said(/^\d+\n/)
    expect((await portslice(['clean'], options)).stdout).toContain('held by a live process')
    run.child.kill('SIGKILL')
    await run.ended
    expect((await portslice(['clean'], options)).stdout).toContain('in quarantine')
    const [journal] = readdirSync(lockDirectory).filter((name) => name.endsWith('.ndjson'))
    utimesSync(path.join(lockDirectory, journal as string), 1, 1)
    expect((await portslice(['clean', '--dry-run'], options)).stdout).toContain('would remove')
    expect(readdirSync(lockDirectory).length).toBeGreaterThan(0)
    expect((await portslice(['clean'], options)).stdout).toContain(
      'Removed what was left of 1 slice',
    )
    expect(readdirSync(lockDirectory)).toEqual([])
  })
})
