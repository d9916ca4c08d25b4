/** Node, Bun and Deno on one machine, and the test runners of Bun and Deno. */
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FaultProcesses } from '../faults/fault-processes.ts'
import type { Plan } from '../faults/processes/take-until-killed.ts'
import { AllocatorProcess } from '../support/allocator-process.ts'
import { type Interval, overlaps, readIntervalsInOrder } from '../support/intervals.ts'
import { ownSlices } from '../support/own-slices.ts'
import { run as runCommand, type TestProcess } from '../support/process.ts'
import { FixtureProjects } from '../support/project.ts'
import { installRuntimes, RUNTIME_VERSIONS, type Runtimes } from '../support/runtimes.ts'
import { TemporaryDirectory } from '../support/temporary-directory.ts'
import { TEST_ALL } from '../support/test-all.ts'

/** How long processes of all runtimes take ports from eight slices, in ms. */
const SHARED_FOR_MS = 60_000
const QUARANTINE_MS = 30_000

type Name = keyof Runtimes

describe.runIf(TEST_ALL)('Node, Bun and Deno', () => {
  let tools: string
  let runtimes: Runtimes
  beforeAll(async () => {
    tools = mkdtempSync(path.join(os.tmpdir(), 'portslice-runtimes-'))
    runtimes = await installRuntimes(tools)
  }, 300_000)
  afterAll(() => rmSync(tools, { recursive: true, force: true, maxRetries: 5 }), 120_000)

  describe('processes of all three', () => {
    test('share eight slices while they are killed at random: no port is out twice', async () => {
      using directory = new TemporaryDirectory()
      await using slices = await ownSlices(8)
      await using group = new FaultProcesses(directory.path)
      const notes = path.join(directory.path, 'notes.ndjson')
      writeFileSync(notes, '')
      const options = { range: slices.range, lockDirectory: directory.locks, waitTimeout: 60_000 }
      const plan: Plan = { options, atOnce: 3, bindAfter: 300, notes }
      const end = performance.now() + SHARED_FOR_MS
      const handOutsOf = { node: 0, bun: 0, deno: 0 }

      const openOf = ({ pid }: TestProcess): Interval[] =>
        ofProcess(readIntervalsInOrder(notes), pid).filter(({ to }) => to === undefined)

      async function killOneAfterTheOther(name: Name): Promise<void> {
        while (performance.now() < end) {
          const member = group.start('take-until-killed', plan, {
            runtime: runtimes[name].command,
          })
          await member.hear()
          await sleep(Math.random() * 5000)
          await member.kill()
          // If another process had such a port before this line, there would be an overlap.
          for (const { port, holder } of openOf(member)) {
            appendFileSync(notes, `${JSON.stringify({ event: 'back', port, holder, at: '0' })}\n`)
          }
          handOutsOf[name] += ofProcess(readIntervalsInOrder(notes), member.pid).length
        }
      }

      const names: Name[] = ['node', 'bun', 'deno', 'node', 'bun', 'deno']
      await Promise.all(names.map(killOneAfterTheOther))
      expect(group.complaints).toEqual([])
      expect(overlaps(readIntervalsInOrder(notes))).toEqual([])
      console.log(`${JSON.stringify(handOutsOf)} hand-outs, ${group.members.length} kills`)
      for (const handOuts of Object.values(handOutsOf)) expect(handOuts).toBeGreaterThan(30)
    })

    test.concurrent.each<[Name, Name, Name]>([
      ['node', 'bun', 'deno'],
      ['bun', 'deno', 'node'],
      ['deno', 'node', 'bun'],
    ])(
      '%s is killed, %s discovers it and ends, %s gets the port 30 s after the discovery',
      async (first, second, third) => {
        using directory = new TemporaryDirectory()
        await using slices = await ownSlices(1)
        const options = { range: slices.range, lockDirectory: directory.locks }
        const start = (name: Name) =>
          AllocatorProcess.start({
            runtime: runtimes[name].command,
            lockDirectory: directory.locks,
          })

        await using holder = await start(first)
        await holder.open(options)
        const had = await holder.take(10)
        await holder.kill()

        const discovering = performance.now()
        await using observer = await start(second)
        await observer.open(options)
        const discovered = performance.now()
        const ports = await observer.take(10)
        expect(ports.filter((port) => had.includes(port))).toEqual([])
        await sleep(QUARANTINE_MS / 2)
        await observer.command({ do: 'release' })
        await observer.end()

        await using heir = await start(third)
        const { ports: claimed } = await heir.command({
          do: 'claim',
          port: had[0] as number,
          options: { timeout: 60_000 },
        })
        expect(claimed).toEqual([had[0]])
        expect(performance.now() - discovering).toBeGreaterThan(QUARANTINE_MS - 50)
        // The third process's discovery does not start the 30 s again. The limit allows for a second of polling and a slow machine.
        expect(performance.now() - discovered).toBeLessThan(QUARANTINE_MS * 1.35)
      },
    )
  })

  const projects = new FixtureProjects()
  afterAll(() => projects[Symbol.dispose]())

  test.each<[Name, string]>([
    ['node', `Node ${process.versions.node}`],
    ['bun', `Bun ${RUNTIME_VERSIONS.bun}`],
    ['deno', `Deno ${RUNTIME_VERSIONS.deno}`],
  ])('doctor names the runtime: %s', async (name, words) => {
    const [binary, ...args] = runtimes[name].command as [string, ...string[]]
    // Deno searches packages from the directory of its script.
    const project = projects.project({
      'command.js': "import '../node_modules/portslice/dist/portslice.js'",
    })
    const doctor = async (...options: string[]) => {
      const env = { PORTSLICE_LOCK_DIR: project.lockDirectory, PORTSLICE_RANGE: '20000-20511' }
      return (
        await runCommand([binary, ...args, 'command.js', 'doctor', ...options], {
          cwd: project.folder,
          env,
        })
      ).stdout
    }
    expect(await doctor()).toContain(`${words} on ${process.platform}`)
    expect(JSON.parse(await doctor('--json')).runtime).toEqual({
      name,
      version: words.split(' ')[1],
    })
  })

  test.each<Name>(['node', 'bun', 'deno'])(
    'no socket of portslice is left on a port that it has just handed out: %s',
    async (name) => {
      const [binary, ...args] = runtimes[name].command as [string, ...string[]]
      const project = projects.project({
        'take.js': `
          import { createAllocator } from '@portslice/core'
          const allocator = await createAllocator()
          let inUse = 0
          for (let i = 0; i < 200; i++) {
            const lease = await allocator.take()
            if (await lease.isListening()) inUse++
            await lease.release()
          }
          await allocator.close()
          console.log(inUse + ' of 200 in use')`,
      })
      const { stdout } = await runCommand([binary, ...args, 'take.js'], {
        cwd: project.folder,
        env: { PORTSLICE_LOCK_DIR: project.lockDirectory },
      })
      expect(stdout).toBe('0 of 200 in use\n')
    },
  )

  describe('the test runner of', () => {
    async function run(
      name: 'bun' | 'deno',
      args: readonly string[],
      files: Record<string, string>,
      env: Record<string, string> = {},
    ): Promise<string> {
      const project = projects.project(files)
      const { stdout, stderr } = await runCommand([runtimes[name].binary, 'test', ...args], {
        cwd: project.folder,
        env: { PORTSLICE_LOCK_DIR: project.lockDirectory, NO_COLOR: '1', ...env },
      })
      return stdout + stderr
    }

    const LISTEN = `
      import { once } from 'node:events'
      import net from 'node:net'
      /** Does not keep the process alive. */
      async function listen(port) {
        const server = net.createServer().listen(port).unref()
        await once(server, 'listening')
        return server
      }`

    const FREE_PORT = `
      async function freePort() {
        const port = await takePort()
        await releasePort(port)
        return port
      }`

    test('Bun: await using, beforeAll, and fake timers', async () => {
      const said = await run('bun', [], {
        'ports.test.js': `
          import { beforeAll, expect, jest, test } from 'bun:test'
          import { claimPort, createAllocator, releasePort, takePort } from '@portslice/core'
          ${LISTEN}
          ${FREE_PORT}
          let port
          beforeAll(async () => { port = await takePort() })
          test('a port of beforeAll', async () => {
            const server = await listen(port)
            server.close()
            await once(server, 'close')
            expect(await releasePort(port)).toEqual({ leaked: false })
          })
          test('await using', async () => {
            await using allocator = await createAllocator()
            await using lease = await allocator.take()
            expect(lease.port).toBeGreaterThan(0)
          })
          test.each(['before', 'after'])('a leak, timers faked %s the port was taken', async (when) => {
            if (when === 'before') jest.useFakeTimers()
            const leaked = await takePort()
            const server = await listen(leaked)
            if (when === 'after') jest.useFakeTimers()
            expect(await releasePort(leaked)).toEqual({ leaked: true })
            server.close()
            jest.useRealTimers()
          })
          test('a claim that times out under fake timers', async () => {
            jest.useFakeTimers()
            await using held = await claimPort(await freePort())
            const failed = await claimPort(held.port, { timeout: 200 }).catch(({ code }) => code)
            expect(failed).toBe('ERR_PORTSLICE_CLAIM_TIMEOUT')
            jest.useRealTimers()
          })`,
        'early.test.js': `
          import { expect, jest, test } from 'bun:test'
          test('timers faked before the import', async () => {
            jest.useFakeTimers()
            const { createAllocator } = await import('@portslice/core')
            const allocator = await createAllocator()
            const { port } = await allocator.take()
            expect(port).toBeGreaterThan(0)
            await allocator.close()
            jest.useRealTimers()
          })`,
      })
      expect(said).toMatch(/ 6 pass\n +0 fail\n/)
    })

    const DENO_TEST = `
      import { createAllocator, releasePort, takePort } from '@portslice/core'
      ${LISTEN}
      Deno.test('await using', async () => {
        await using allocator = await createAllocator()
        await using lease = await allocator.take()
        if (!(lease.port > 0)) throw new Error('There is no port.')
      })
      // A wait during which nothing else keeps the event loop going.
      for (let i = 0; i < 5; i++) Deno.test('a leak ' + i, async () => {
        const port = await takePort()
        const server = await listen(port)
        const { leaked } = await releasePort(port)
        server.close()
        if (!leaked) throw new Error('No leak was seen.')
      })`

    test('Deno: await using, and waiting at the end of a test, in many files at once', async () => {
      const files = Object.fromEntries([1, 2, 3, 4].map((i) => [`${i}_test.js`, DENO_TEST]))
      const said = await run('deno', ['--allow-all', '--no-check', '--parallel'], files)
      expect(said).toMatch(/ok \| 24 passed \| 0 failed/)
    })

    test('Deno: the clocks of FakeTime of @std/testing', async () => {
      const said = await run('deno', ['--allow-all', '--no-check'], {
        'faked_test.js': `
          import { claimPort, releasePort, takePort } from '@portslice/core'
          ${FREE_PORT}
          Deno.test('a claim that times out under fake timers', async () => {
            const real = { Date, setTimeout, clearTimeout, setInterval, clearInterval }
            const now = performance.now
            const never = () => 1
            Object.assign(globalThis, {
              Date: class extends Date { static now() { return 0 } },
              setTimeout: never, clearTimeout: never, setInterval: never, clearInterval: never,
            })
            performance.now = () => 0
            try {
              await using held = await claimPort(await freePort())
              const failed = await claimPort(held.port, { timeout: 200 }).catch(({ code }) => code)
              if (failed !== 'ERR_PORTSLICE_CLAIM_TIMEOUT') throw new Error(String(failed))
            } finally {
              Object.assign(globalThis, real)
              performance.now = now
            }
          })`,
      })
      expect(said).toMatch(/ok \| 1 passed \| 0 failed/)
    })

    test('Deno: a permission that is missing is named', async () => {
      const ONE = `
        import { createAllocator } from '@portslice/core'
        Deno.test('x', async () => {
          await using allocator = await createAllocator().catch((error) => console.log(error.message))
          await using lease = await allocator?.take()
          console.log(lease ? 'A port was taken.' : 'None')
        })`
      const permissions = ['env', 'net', 'read=.', 'write=.', 'sys=uid'].map(
        (each) => `--allow-${each}`,
      )
      const without = (missing?: string) =>
        run(
          'deno',
          [
            ...['--no-prompt', '--no-check'],
            ...permissions.filter((each) => !missing || !each.startsWith(`--allow-${missing}`)),
          ],
          { 'x_test.js': ONE },
          { PORTSLICE_LOCK_DIR: 'locks' },
        )
      expect(await without()).toContain('A port was taken.')
      expect(await without('env')).toMatch(/Requires env access/)
      expect(await without('net')).toMatch(/may not bind any port .*Requires net access/)
      expect(await without('read')).toMatch(/lock directory .*Requires read access/)
      expect(await without('write')).toMatch(/lock directory .*Requires write access/)
      expect(await without('sys')).toMatch(/lock directory .*Requires sys access to "uid"/)
    })
  })
})

/** Those of one process: see `Recorder`. */
function ofProcess(intervals: readonly Interval[], pid: number): Interval[] {
  return intervals.filter(({ holder }) => holder.startsWith(`${pid}-`))
}
