/**
 * The vitest plugin: checks options before any worker starts, and reports leaked ports at the end.
 *
 * @module @portslice/vitest-plugin
 */
import type { AdapterOptions } from '@portslice/core/internal'
import type {} from 'vitest/config' // Declares the hook `configureVitest`.
import type { Reporter, Vite } from 'vitest/node'
import { configureProject } from './configure-project.js'
import { formatLeaks, printLeaks } from './leak-report.js'

export type { AllocatorOptions, TakeOptions } from '@portslice/core'
export { namedPort, type OnLeak, PortsliceError } from '@portslice/core/internal'
export type { PortsliceMeta, ProvidedPortslice } from './vitest-types.js'

/** Options of the vitest plugin. */
export type PortslicePluginOptions = AdapterOptions

/**
 * The vitest plugin. The fixtures work without it; it adds what needs the main process: options
 * and environment variables are checked once before any worker starts, vitest's own `--shard`
 * decides which part of the range is tried first, and leaked ports are reported at the end of a run.
 *
 * @param options those of an allocator, and `onLeak`
 * @throws PortsliceError when vitest starts, for invalid options or environment variables
 * @example
 * // vitest.config.ts
 * export default defineConfig({ plugins: [portslice({ range: [20000, 29999] })] })
 */
export default function portslice(options: PortslicePluginOptions = {}): Vite.Plugin {
  return {
    name: 'portslice',
    configureVitest({ project, vitest }) {
      configureProject(project, options)
      const { reporters } = vitest.config
      if (options.onLeak !== 'ignore' && !reporters.some(isLeakReporter)) {
        ;(reporters as unknown[]).push(new LeakReporter())
      }
    },
  }
}

/** One for the whole run, also if several projects use the plugin. */
class LeakReporter implements Reporter {
  readonly isPortsliceLeakReporter = true

  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules) => {
    printLeaks(formatLeaks(modules))
  }
}

function isLeakReporter(reporter: unknown): boolean {
  return (reporter as Partial<LeakReporter> | null)?.isPortsliceLeakReporter === true
}
