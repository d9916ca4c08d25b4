/** A slice is free when its process or thread ends, and portslice does not keep a process alive. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { listSlices } from '@portslice/core'
import { expect, onTestFinished, test } from 'vitest'
import { ownSlices } from '../support/own-slices.ts'
import { cleanEnvironment, runNode } from '../support/process.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url))

/** Starts a script that prints a line once it holds a slice, and waits for that line. */
async function startHolder(name: string, lockDirectory: string, range?: readonly number[]) {
  const child = spawn(process.execPath, [script(name)], {
    env: {
      ...cleanEnvironment(),
      PORTSLICE_LOCK_DIR: lockDirectory,
      ...(range && { PORTSLICE_RANGE: range.join('-') }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface(child.stdout)
  const [line] = (await once(lines, 'line')) as [string]
  return { child, lines, said: JSON.parse(line) as { first: number; ports: number[] } }
}

const isHeld = async (lockDirectory: string, slice: number) =>
  (await listSlices({ lockDirectory })).some(
    ({ first, state, holder }) => first === slice && state === 'held' && holder !== undefined,
  )

test.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)(
  'a process ended by %s frees its slice at once; its ports are quarantined',
  async (signal) => {
    const lockDirectory = path.join(temporaryFolder(), 'locks')
    await using slices = await ownSlices(1)
    const { child, said } = await startHolder('hold-ports.ts', lockDirectory, slices.range)
    expect(await isHeld(lockDirectory, said.first)).toBe(true)
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
    expect(await isHeld(lockDirectory, said.first)).toBe(false)

    const next = await startHolder('hold-ports.ts', lockDirectory, slices.range)
    expect(next.said.first).toBe(said.first)
    expect(next.said.ports.filter((port) => said.ports.includes(port))).toEqual([])
  },
)

test('a worker thread that is terminated frees its slice at once', async () => {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  const { said, lines, child } = await startHolder('hold-ports-in-threads.ts', lockDirectory)
  const slices = said.ports.map((port) => port & ~31)
  expect(new Set(slices).size).toBe(slices.length)
  for (const slice of slices) expect(await isHeld(lockDirectory, slice)).toBe(true)
  child.kill('SIGUSR2') // Tells it to terminate its threads, and to say when it has.
  await once(lines, 'line')
  for (const slice of slices) expect(await isHeld(lockDirectory, slice)).toBe(false)
})

test('does not keep a process alive: one with ports out ends, and removes its lock', async () => {
  const folder = temporaryFolder()
  const lockDirectory = path.join(folder, 'locks')
  const { status, stdout, stderr } = await runNode([script('leave-ports-out.ts')], {
    cwd: folder,
    lockDirectory,
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  // The number of handles that keep the event loop alive, by libuv's count in the script.
  expect(JSON.parse(stdout)).toEqual([])
  expect(readdirSync(lockDirectory).filter((name) => name.endsWith('.lock'))).toEqual([])
})

test('a process that only waits for a port stays alive', async () => {
  const folder = temporaryFolder()
  const { status, stdout } = await runNode([script('wait-until-timeout.ts')], {
    cwd: folder,
    lockDirectory: path.join(folder, 'locks'),
  })
  expect({ status, stdout: stdout.trim() }).toEqual({
    status: 0,
    stdout: 'ERR_PORTSLICE_RANGE_EXHAUSTED',
  })
})
