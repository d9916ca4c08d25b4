/** `portslice clean`: what dead holders have left behind. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { portslice, sh, start, useLockDirectory } from '../support/command.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const options = useLockDirectory()

/** Changes the journal such that the death was 31 s ago. */
function endQuarantine(): void {
  const [name] = readdirSync(options.lockDirectory).filter((each) => each.endsWith('.ndjson'))
  const journal = path.join(options.lockDirectory, name as string)
  const lines = readFileSync(journal, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const deaths = lines.flatMap(({ died }) => (died ? [died] : []))
  expect(deaths.length).toBeGreaterThan(0)
  for (const died of deaths) {
    died.monotonic -= 31_000
    died.uptime -= 31_000
  }
  writeFileSync(journal, lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

describe('clean', () => {
  test('clean removes what a killed run left once its quarantine has ended', async () => {
    // In another checkout, because other tests of this one would soon lease the same slice.
    const own = { ...options, cwd: temporaryFolder() }
    const run = start(['run', '--', ...sh('echo $PORT; read x')], own)
    await run.said(/^\d+\n/)
    expect((await portslice(['clean'], options)).stdout).toContain('held by a live process')
    run.child.kill('SIGKILL')
    await run.ended
    expect((await portslice(['clean'], options)).stdout).toContain('in quarantine')
    endQuarantine()
    expect((await portslice(['clean', '--dry-run'], options)).stdout).toContain('would remove')
    expect(readdirSync(options.lockDirectory).length).toBeGreaterThan(0)
    expect((await portslice(['clean'], options)).stdout).toContain('Removed the files of 1 slice')
    expect(readdirSync(options.lockDirectory)).toEqual([])
  })
})
