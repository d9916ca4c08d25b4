/**
 * The vitest plugin: checks options before any worker starts, and reports leaked ports at the end.
 *
 * @module @portslice/vitest-plugin
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type {} from 'vitest/config' // Gives Vite's plugins the hook `configureVitest`.
import type { Reporter, Vite } from 'vitest/node'
import { configure, type PortslicePluginOptions } from './configure.js'
import { leaksOf, printLeaks } from './leak-report.js'

export type { AllocatorOptions, TakeOptions } from '@portslice/core'
export { namedPort, type OnLeak, PortsliceError } from '@portslice/core/internal'
export type { PortslicePluginOptions } from './configure.js'
export type { PortCounts, PortTable } from './ports.js'
export type { PortsliceMeta, ProvidedPortslice } from './provided.js'

/**
 * The vitest plugin. Not needed for the fixtures; adds what needs the main process: options
 * and environment variables are checked once before any worker starts, vitest's own `--shard`
 * decides which part of the range is tried first, and leaked ports are reported at the end of each run.
 *
 * @param options those of an allocator, `onLeak` and `ports`
 * @throws PortsliceError when vitest starts, for options or environment variables that are wrong
 * @example
 * // vitest.config.ts
 * export default defineConfig({ plugins: [portslice({ range: [20000, 29999] })] })
 */
export default function portslice(options: PortslicePluginOptions = {}): Vite.Plugin {
  return {
    name: 'portslice',
    config: () => ({ test: { setupFiles: [SETUP_FILE] } }),
    configResolved({ server }) {
      // Tests in jsdom and the like load only files that vite would serve.
      server.fs.allow.push(path.dirname(SETUP_FILE))
    },
    async configureVitest({ project, vitest }) {
      await configure(project, options)
      const { reporters } = vitest.config
      if (options.onLeak !== 'ignore' && !reporters.some(isLeakReporter)) {
        ;(reporters as unknown[]).push(new LeakReporter())
      }
    },
  }
}

/** Added in `config`: vitest inlines only setup files that it finds there, and runs them for each file. */
const SETUP_FILE = fileURLToPath(new URL('setup.js', import.meta.url))

/** One for the whole run, however many projects have the plugin. */
class LeakReporter implements Reporter {
  readonly isPortsliceLeakReporter = true

  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules) => {
    printLeaks(leaksOf(modules))
  }
}

function isLeakReporter(reporter: unknown): boolean {
  return (reporter as Partial<LeakReporter> | null)?.isPortsliceLeakReporter === true
}
