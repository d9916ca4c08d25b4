/** The output of `NODE_DEBUG=portslice`. */
import { expect, test } from 'vitest'
import { portslice, useLockDirectory } from '../support/command.ts'

const options = useLockDirectory()

test('NODE_DEBUG=portslice prints what happens to ports on stderr', async () => {
  const env = { NODE_DEBUG: 'portslice' }
  const run = await portslice(['run', '--name', 'w\u0065b', '--', 'true'], { ...options, env })
  expect(run.status).toBe(0)
  const events = [...run.stderr.matchAll(/^PORTSLICE \d+: (\S+) (\{.*\})$/gm)]
  expect(events.map(([, name]) => name)).toEqual(
    expect.arrayContaining(['lease', 'take', 'release']),
  )
  const [, , take] = events.find(([, name]) => name === 'take') ?? []
  expect(JSON.parse(take as string)).toEqual({ port: expect.any(Number), label: 'web' })
  const other = { ...options, env: { NODE_DEBUG: 'net' } }
  expect((await portslice(['run', '--', 'true'], other)).stderr).not.toContain('PORTSLICE')
})
