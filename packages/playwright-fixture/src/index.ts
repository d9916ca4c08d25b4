/**
 * Fixtures for Playwright, and ports for its config.
 *
 * @module @portslice/playwright-fixture
 */

import {
  test as base,
  type Fixtures,
  type PlaywrightTestArgs,
  type PlaywrightTestOptions,
  type PlaywrightWorkerArgs,
  type PlaywrightWorkerOptions,
  type TestType,
} from '@playwright/test'
import type { PortAllocator, TakeOptions } from '@portslice/core'
import type { AdapterOptions } from '@portslice/core/internal'
import { withAwaitHint } from '@portslice/core/internal/errors'
import { type AppWorkerFixtures, appFixtures, appOptions } from './app-fixtures.js'
import { attachPorts } from './attach-ports.js'
import { loadCore } from './load-core.js'
import { workerAllocator } from './worker-allocator.js'

// So that a test file needs no second import.
export * from '@playwright/test'
export type { App, AppOptions, Apps } from '@portslice/app-server'
export type { AllocatorOptions, PortAllocator, PortLease, TakeOptions } from '@portslice/core'
export type { OnLeak } from '@portslice/core/internal'
export { PortsliceError } from '@portslice/core/internal/errors'
export { type AppWorkerFixtures, type AppWorkerOptions, appFixture } from './app-fixtures.js'
export {
  defineConfig,
  type PortsliceDefineConfig,
  type PortsliceTestConfig,
  type PortsliceUseOptions,
} from './define-config.js'
export { namedPort } from './named-port.js'

/** Options of the fixtures, set by `use: { portslice: { … } }`. */
export type PortsliceOptions = AdapterOptions

/** The fixtures of {@link test} for each test. */
export interface PortTestFixtures {
  /** A port that no other process on the machine uses until this test has ended. */
  port: number
  /**
   * Takes another port for this test.
   *
   * @param options what the port is for
   */
  takePort: (options?: TakeOptions) => Promise<number>
}

/** The fixtures of {@link test} for all tests of a worker. */
export interface PortWorkerFixtures {
  /** Options of the fixtures. Set in the config: `use: { portslice: { range: [20000, 29999] } }`. */
  portslice: PortsliceOptions
  /** A port of this worker, the same for all its tests. */
  workerPort: number
  /** The allocator of this worker, for ports that outlive a test. */
  portAllocator: PortAllocator
}

/**
 * The fixtures as an object, for a `test` of your own.
 *
 * @example
 * export const test = base.extend<PortTestFixtures, PortWorkerFixtures>(portFixtures)
 */
export const portFixtures: Fixtures<PortTestFixtures, PortWorkerFixtures> = {
  portslice: [{}, { option: true, scope: 'worker' }],

  portAllocator: [
    async ({ portslice }, use, workerInfo) => {
      const { watchBoundPorts } = await loadCore()
      watchBoundPorts(currentTest)
      await use(await workerAllocator(portslice, workerInfo))
    },
    { scope: 'worker' },
  ],

  workerPort: [
    async ({ portAllocator, portslice }, use) => {
      const { leakError, leakMessage, TestPorts } = await loadCore()
      const ports = new TestPorts(portAllocator, 'worker port', 'worker')
      await use(await ports.take())
      const leaked = await ports.release()
      const { onLeak = 'warn' } = portslice
      if (leaked.length === 0 || onLeak === 'ignore') return
      if (onLeak === 'fail') throw leakError('A worker', leaked)
      console.warn(`portslice: ${leakMessage('A worker', leaked)}`)
    },
    { scope: 'worker' },
  ],

  takePort: async ({ portAllocator, portslice }, use, testInfo) => {
    const name = testInfo.titlePath.filter(Boolean).join(' > ')
    const { leakError, leakMessage, TestPorts } = await loadCore()
    const ports = new TestPorts(portAllocator, name)
    await use((options) => withAwaitHint(ports.take(options), 'takePort()'))
    const leaked = await ports.release()
    await attachPorts(testInfo, ports.uses)
    const { onLeak = 'warn' } = portslice
    // A failed test may not have reached the code that closes its server.
    if (leaked.length === 0 || onLeak === 'ignore' || testInfo.errors.length > 0) return
    if (onLeak === 'fail') throw leakError(`The test "${name}"`, leaked)
    const description = leakMessage(`The test "${name}"`, leaked)
    testInfo.annotations.push({ type: 'portslice', description })
    console.warn(`portslice: ${description}`) // The list and line reporters show no annotations.
  },

  port: async ({ takePort }, use) => {
    await use(await takePort())
  },
}

/**
 * Playwright's `test` with the fixtures `port`, `takePort`, `workerPort` and `portAllocator`. If the config sets
 * `app` or `apps`, it also has these fixtures, and `baseURL` is the URL of the app.
 *
 * @example
 * test('serves', ({ port }) => serve(port))
 */
export const test = base
  .extend<PortTestFixtures, PortWorkerFixtures>(portFixtures)
  .extend(appOptions as never)
  .extend(appFixtures as never) as unknown as TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & PortTestFixtures,
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & PortWorkerFixtures & AppWorkerFixtures
>

/** The name of the running test for messages; `undefined` outside of a test. */
function currentTest(): string | undefined {
  try {
    return `the test "${base.info().titlePath.filter(Boolean).join(' > ')}"`
  } catch {
    return undefined
  }
}
