/**
 * Fixtures for vitest. They work with and without the plugin or the globalSetup.
 *
 * @module @portslice/vitest-plugin/test
 */
import type { PortAllocator, TakeOptions } from '@portslice/core'
import {
  type LeakedPort,
  leakError,
  leakMessage,
  sharedAllocator,
  TestPorts,
} from '@portslice/core/internal'
import { test as base, type TestAPI, type TestContext } from 'vitest'
import { projectOptions } from './project-options.js'

export type { App, AppOptions, Apps } from '@portslice/app-server'
export { type AppFixtureOptions, appFixture, appsFixture } from './app-fixtures.js'

/** The fixtures of {@link test}. */
export interface PortFixtures {
  /** A port that no other process on the machine uses until this test has ended. */
  port: number
  /**
   * Takes another port for this test.
   *
   * @param options what the port is for
   */
  takePort: (options?: TakeOptions) => Promise<number>
  /** A port of this worker, the same for all its tests; in vm pools, of the test file. */
  workerPort: number
  /** The allocator of this worker, for ports that outlive a test. */
  portAllocator: PortAllocator
}

type Use<T> = (value: T) => Promise<void>

/**
 * The fixtures as an object, for a `test` of your own.
 *
 * @example
 * export const test = base.extend(portFixtures).extend({ server: async ({ port }, use) => … })
 */
export const portFixtures = {
  portAllocator: [
    async ({}: object, use: Use<PortAllocator>) => {
      await use(await sharedAllocator(projectOptions().allocator))
    },
    { scope: 'worker' },
  ],

  workerPort: [
    async ({ portAllocator }: { portAllocator: PortAllocator }, use: Use<number>) => {
      const ports = new TestPorts(portAllocator, 'worker port')
      await use(await ports.take())
      const leaked = await ports.release()
      // A warning also for `onLeak: 'fail'`, because vitest ignores errors at the end of a worker.
      if (leaked.length > 0 && projectOptions().onLeak !== 'ignore') {
        console.warn(`portslice: ${leakMessage('A worker', leaked)}`)
      }
    },
    { scope: 'worker' },
  ],

  takePort: async (
    { portAllocator, task }: { portAllocator: PortAllocator; task: TestContext['task'] },
    use: Use<PortFixtures['takePort']>,
  ) => {
    const name = fullName(task)
    const ports = new TestPorts(portAllocator, name)
    await use((options) => ports.take(options))
    reportLeaks(task, name, await ports.release())
  },

  port: async ({ takePort }: { takePort: PortFixtures['takePort'] }, use: Use<number>) => {
    await use(await takePort())
  },
} as const

/**
 * vitest's `test` with the fixtures `port`, `takePort`, `workerPort` and `portAllocator`.
 *
 * @example
 * test('serves', async ({ port }) => {
 *   await serve(port)
 * })
 */
export const test = base.extend(portFixtures as never) as unknown as TestAPI<PortFixtures>

/** The same as {@link test}. */
export const it = test

function reportLeaks(task: TestContext['task'], name: string, leaked: LeakedPort[]): void {
  if (leaked.length === 0) return
  const { onLeak, isReported } = projectOptions()
  if (onLeak === 'fail') throw leakError(`The test "${name}"`, leaked)
  if (onLeak === 'ignore') return
  task.meta.portslice = { leaked }
  if (!isReported) console.warn(`portslice: ${leakMessage(`The test "${name}"`, leaked)}`)
}

/** The names of the test and of the suites around it. */
function fullName(task: TestContext['task']): string {
  const names = [task.name]
  for (let suite = task.suite; suite; suite = suite.suite) names.unshift(suite.name)
  return names.filter(Boolean).join(' > ')
}
