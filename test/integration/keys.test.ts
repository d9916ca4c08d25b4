/** The same key gets the same port again, after a crash or a restart. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ownSlices } from '../support/own-slices.ts'
import { cleanEnvironment } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { temporaryFolder } from '../support/until-test-ends.ts'

const HOLD_KEY = fileURLToPath(new URL('processes/hold-key.ts', import.meta.url))
const PROCESSES = 8
/** No other test leases slices here. While a holder restarts, they are free for every process. */
const UNUSED = [10_016, 19_999] as const

function environment(lockDirectory: string, range: readonly number[]) {
  return {
    ...cleanEnvironment(),
    PORTSLICE_LOCK_DIR: lockDirectory,
    PORTSLICE_RANGE: range.join('-'),
  }
}

class KeyHolder {
  readonly #child: ChildProcess

  private constructor(child: ChildProcess) {
    this.#child = child
  }

  static async start(
    folder: string,
    range: readonly [number, number],
    workerId: number,
  ): Promise<{ holder: KeyHolder; port: number }> {
    const child = spawn(
      process.execPath,
      [HOLD_KEY, `https://app-${workerId}.example`, String(workerId)],
      {
        cwd: folder,
        env: environment(path.join(folder, 'locks'), range),
        stdio: ['pipe', 'pipe', 'inherit'],
      },
    )
    onTestFinished(() => void child.kill('SIGKILL'))
    const [data] = await once(child.stdout as NodeJS.ReadableStream, 'data')
    return { holder: new KeyHolder(child), port: Number(data) }
  }

  async end(how: 'crash' | 'exit'): Promise<void> {
    const exit = once(this.#child, 'exit')
    if (how === 'crash') this.#child.kill('SIGKILL')
    else this.#child.stdin?.write('end\n')
    await exit
  }
}

test('programs without state get the port of their key again after a crash or restart', async () => {
  const folder = temporaryFolder()
  const workers = Array.from({ length: PROCESSES }, (_, index) => index + 1)
  await using slices = await ownSlices(30, UNUSED, { mayBeUsed: true })
  const start = () =>
    Promise.all(workers.map((workerId) => KeyHolder.start(folder, slices.range, workerId)))
  const first = await start()
  const ports = first.map(({ port }) => port)
  expect(new Set(ports).size).toBe(PROCESSES)
  await Promise.all(first.map(({ holder }) => holder.end('crash')))
  const second = await start()
  expect(second.map(({ port }) => port)).toEqual(ports)
  await Promise.all(second.map(({ holder }) => holder.end('exit')))
  const third = await start()
  expect(third.map(({ port }) => port)).toEqual(ports)
  await Promise.all(third.map(({ holder }) => holder.end('exit')))
})

describe.concurrent('a server that is restarted keeps the port of its key', () => {
  const SERVER = `
    import { appendFileSync } from 'node:fs'
    import net from 'node:net'
    import { createAllocator } from '@portslice/core'
    const allocator = await createAllocator()
    const { port } = await allocator.take({ key: 'server' })
    net.createServer().listen(port, () => {
      appendFileSync('ports.txt', port + '\\n')
      console.log('listening')
    })
  `

  test('by node --watch, five times', async () => {
    await using slices = await ownSlices(4, UNUSED)
    using projects = new FixtureProjects()
    const project = projects.project({ 'server.mjs': SERVER, 'ports.txt': '' })
    const child = spawn(process.execPath, ['--watch', 'server.mjs'], {
      cwd: project.folder,
      env: environment(project.lockDirectory, slices.range),
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      for (let start = 1; start <= 6; start++) {
        await untilSaid(child, 'listening')
        if (start < 6) writeFileSync(project.file('server.mjs'), `${SERVER}// ${start}\n`)
      }
    } finally {
      child.kill()
      await once(child, 'exit')
    }
    expectOnePort(project.file('ports.txt'))
  })

  test('by a watcher that kills it and starts the next one at once, five times', async () => {
    await using slices = await ownSlices(4, UNUSED)
    using projects = new FixtureProjects()
    const project = projects.project({ 'server.mjs': SERVER, 'ports.txt': '' })
    for (let start = 1; start <= 6; start++) {
      const child = spawn(process.execPath, ['server.mjs'], {
        cwd: project.folder,
        env: environment(project.lockDirectory, slices.range),
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      await untilSaid(child, 'listening')
      const ended = once(child, 'exit')
      child.kill(start % 2 === 0 ? 'SIGKILL' : 'SIGTERM')
      await ended
    }
    expectOnePort(project.file('ports.txt'))
  })

  async function untilSaid(child: ChildProcess, text: string): Promise<void> {
    for (;;) {
      const [said] = await once(child.stdout as NodeJS.ReadableStream, 'data')
      if (String(said).includes(text)) return
    }
  }

  function expectOnePort(file: string): void {
    const ports = readFileSync(path.resolve(file), 'utf8').trim().split('\n')
    expect(ports).toEqual(Array(6).fill(ports[0]))
  }
})
