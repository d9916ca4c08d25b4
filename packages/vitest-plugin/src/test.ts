/**
 * Fixtures for vitest. They work with and without the plugin or the globalSetup.
 *
 * @module @portslice/vitest-plugin/test
 */
import type { PortAllocator, TakeOptions } from '@portslice/core'
import { withAwaitHint } from '@portslice/core/internal/errors'
import { test as base, type TestAPI, type TestContext } from 'vitest'
import { addPortsToMeta } from './add-ports-to-meta.js'
import type { Fixture, Use } from './fixture-type.js'
import { handleLeaks } from './handle-leaks.js'
import { loadCore } from './load-core.js'
import { projectOptions } from './project-options.js'
import { currentScope, fullName, watchedFile, watchTestFile } from './test-file.js'
import { workerAllocator } from './worker-allocator.js'

export type { App, AppOptions, Apps } from '@portslice/app-server'
export { type AppFixtureOptions, appFixture, appsFixture } from './app-fixtures.js'
export { startApp, takePort } from './plain-functions.js'

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

/**
 * The fixtures as an object, for a `test` of your own.
 *
 * @example
 * export const test = base.extend(portFixtures)
 */
export const portFixtures = {
  portAllocator: [
    async ({}: object, use: Use<PortAllocator>) => {
      const { watchBoundPorts } = await loadCore()
      watchBoundPorts(() => currentScope()?.description)
      await use(await workerAllocator())
    },
    { scope: 'worker' },
  ],

  workerPort: [
    async ({ portAllocator }: { portAllocator: PortAllocator }, use: Use<number>) => {
      const { leakMessage, TestPorts } = await loadCore()
      const ports = new TestPorts(portAllocator, 'worker port', 'worker')
      await use(await ports.take())
      const leaked = await ports.release()
      // Also a warning with `onLeak: 'fail'`, because vitest ignores errors at the end of a worker.
      if (leaked.length > 0 && (await projectOptions()).onLeak !== 'ignore') {
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
    const { TestPorts } = await loadCore()
    const ports = new TestPorts(portAllocator, name)
    await use((options) => withAwaitHint(ports.take(options), 'takePort()'))
    const leaked = await ports.release()
    addPortsToMeta(task, ports.uses)
    const scope = { name, description: `the test "${name}"`, test: task }
    await handleLeaks(scope, undefined, leaked, await projectOptions())
  },

  port: async ({ takePort }: { takePort: PortFixtures['takePort'] }, use: Use<number>) => {
    await use(await takePort())
  },
} as unknown as { [Name in keyof PortFixtures]: Fixture<PortFixtures[Name]> }

/**
 * vitest's `test` with the fixtures `port`, `takePort`, `workerPort` and `portAllocator`.
 *
 * @example
 * test('serves', ({ port }) => serve(port))
 */
export const test = base.extend(portFixtures as never) as unknown as TestAPI<PortFixtures>

/** The same as {@link test}. */
export const it = test

// The plugin's setup file has already done this. Without the plugin, do it here.
if (!watchedFile()) tryToWatchTestFile()

/** vitest accepts hooks only while it imports a test file. */
function tryToWatchTestFile(): void {
  try {
    watchTestFile()
  } catch {
    // takePort() and startApp() say what to do.
  }
}
