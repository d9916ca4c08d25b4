/** `takePort` and `startApp` as plain functions, for hooks, helpers and tests without fixtures. */
import type { App, AppOptions } from '@portslice/app-server'
import type { TakeOptions } from '@portslice/core'
import type { TestPorts } from '@portslice/core/internal'
import { invalidOption, withAwaitHint } from '@portslice/core/internal/errors'
import { addPortsToMeta } from './add-ports-to-meta.js'
import { handleLeaks } from './handle-leaks.js'
import { loadCore } from './load-core.js'
import { projectOptions } from './project-options.js'
import { type Cleanup, currentScope, type Scope, watchedFile } from './test-file.js'
import { workerAllocator } from './worker-allocator.js'

/**
 * Takes a port until the caller ends. In a test, `beforeEach` or a helper, this is the end of the test; in
 * `beforeAll`, the end of its suite, after all `afterAll` hooks; at the top of a file, the end of the file.
 * Concurrent tests keep the port until the end of their suite: use the fixture there.
 *
 * @param options what the port is for
 * @throws PortsliceError as `PortAllocator.take` does
 * @example
 * const port = await takePort()
 */
export function takePort(options: TakeOptions = {}): Promise<number> {
  return withAwaitHint(take(options), 'takePort()')
}

async function take(options: TakeOptions): Promise<number> {
  const scope = scopeOrThrow('takePort')
  return scope.resource('ports', () => new ScopedPorts(scope)).take(options)
}

/**
 * Starts an app on a leased port, and stops it when the caller ends, as {@link takePort} does.
 *
 * @param options what to start, and when it is ready
 * @throws PortsliceError as `startApp` of `@portslice/app-server` does
 * @example
 * beforeAll(async () => {
 *   app = await startApp({ command: 'node server.js' })
 * })
 */
export async function startApp(options: AppOptions): Promise<App> {
  const scope = scopeOrThrow('startApp')
  return scope.resource('apps', () => new ScopedApps()).start(options)
}

class ScopedPorts {
  readonly #scope: Scope
  readonly #pending = new Set<Promise<unknown>>()
  #ports: TestPorts | undefined

  constructor(scope: Scope) {
    this.#scope = scope
  }

  take(options: TakeOptions): Promise<number> {
    return trackPending(this.#pending, async () => {
      const { name, test } = this.#scope
      const { TestPorts, watchBoundPorts } = await loadCore()
      watchBoundPorts(() => currentScope()?.description)
      const allocator = await workerAllocator()
      this.#ports ??= new TestPorts(allocator, name, test ? 'test' : 'worker')
      return this.#ports.take(options)
    })
  }

  /** Functions that a `beforeAll` has returned run later, and may close servers of the suite. */
  readonly cleanUp: Cleanup = async (isLast) => {
    await Promise.allSettled(this.#pending)
    const ports = this.#ports
    if (!ports) return true
    if (!isLast) return ports.releaseUnused()
    const leaked = await ports.release()
    const { test } = this.#scope
    const options = await projectOptions()
    if (test) addPortsToMeta(test, ports.uses)
    await handleLeaks(this.#scope, watchedFile()?.file, leaked, options)
    return true
  }
}

class ScopedApps {
  readonly #pending = new Set<Promise<unknown>>()
  readonly #apps: App[] = []

  start(options: AppOptions): Promise<App> {
    return trackPending(this.#pending, async () => {
      const allocator = await workerAllocator()
      const { startApp } = await import('@portslice/app-server')
      const app = await startApp(options, { allocator })
      this.#apps.push(app)
      return app
    })
  }

  readonly cleanUp: Cleanup = async () => {
    await Promise.allSettled(this.#pending)
    for (const app of this.#apps.splice(0).reverse()) await app[Symbol.asyncDispose]()
    return true
  }
}

/** Remembers the task until it ends, because ports and apps that were not awaited must be released too. */
function trackPending<T>(pending: Set<Promise<unknown>>, task: () => Promise<T>): Promise<T> {
  const promise = task()
  pending.add(promise)
  promise.catch(() => {}).finally(() => pending.delete(promise))
  return promise
}

function scopeOrThrow(name: string): Scope {
  const scope = currentScope()
  if (scope) return scope
  throw invalidOption(
    `${name}() cannot tell when its test ends: this test file was started without portslice.`,
    undefined,
    "Add the plugin to the vitest config (`plugins: [portslice()]`; runs without isolation require it), and import '@portslice/vitest-plugin/test' at the top of the file.",
  )
}
