/** `portslice doctor`: what it finds, and its exit status. */
import { execFileSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { portslice, type StartOptions, temporaryFolder } from './command-run.ts'

let lockDirectory: string
let options: StartOptions
beforeEach(() => {
  lockDirectory = path.join(temporaryFolder(), 'locks')
  options = { lockDirectory }
})

describe('doctor', () => {
  test('breaks lines between words, where the terminal ends', async () => {
    const short = await portslice(['doctor'], { ...options, env: { COLUMNS: '50' } })
    const lines = short.stdout.split('\n')
    for (const line of lines) if (line.length > 50) expect(line.trim()).not.toContain(' ')
    const { stdout } = await portslice(['doctor'], options)
    expect(short.stdout.split(/\s+/).slice(0, 20)).toEqual(stdout.split(/\s+/).slice(0, 20))
    expect(lines.length).toBeGreaterThan(stdout.split('\n').length)
  })

  test('doctor ends with 1 when the promise cannot be kept, and says what to do', async () => {
    expect(await portslice(['doctor'], options)).toMatchObject({ status: 0, stderr: '' })
    const locks = path.join(temporaryFolder(), 'open')
    mkdirSync(locks)
    execFileSync('chmod', ['777', locks])
    for (const env of [
      { PORTSLICE_LOCK_DIR: locks },
      // Nobody can make anything there, not even root, whom permissions allow all.
      { PORTSLICE_LOCK_DIR: '/proc/portslice/locks' },
      { PORTSLICE_LOCK_DIR: '/proc' },
      { PORTSLICE_RANGE: '5-6' },
      { PORTSLICE_SHARD: '9/3' },
      { PORTSLICE_PORT_WEB: 'x' },
    ]) {
      const { status, stdout } = await portslice(['doctor', '--json'], { ...options, env })
      expect({ status, ok: JSON.parse(stdout).ok }).toEqual({ status: 1, ok: false })
      const problems = JSON.parse(stdout).findings.filter(
        ({ level }: { level: string }) => level === 'problem',
      )
      expect(problems).toHaveLength(1)
      expect(problems[0].message + problems[0].advice).toMatch(/PORTSLICE_/)
    }
  })
})
