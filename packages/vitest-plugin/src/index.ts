/**
 * The vitest plugin: checks options before any worker starts, and reports leaked ports at the end.
 *
 * @module @portslice/vitest-plugin
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type {} from 'vitest/config' // Declares the hook `configureVitest`.
import type { Reporter, Vite } from 'vitest/node'
import { configureProject, type PortslicePluginOptions } from './configure-project.js'
import { printLeakSummary } from './leak-summary.js'
import {
  isTestProject,
  misplacedExport,
  notePluginUsed,
  pluginAsGlobalSetup,
  uncalledPlugin,
  watchPluginUse,
} from './misuse.js'

export type { AllocatorOptions, TakeOptions } from '@portslice/core'
export { namedPort, type OnLeak, PortsliceError } from '@portslice/core/internal'
export type { PortslicePluginOptions } from './configure-project.js'
export type { PortCounts, PortTable } from './ports-option.js'
export type { PortsliceMeta, ProvidedPortslice } from './vitest-types.js'

/**
 * The vitest plugin. Fixtures work without it; it checks options and environment variables before any worker
 * starts, lets vitest's own `--shard` decide which part of the range is tried first, and reports leaked ports
 * of the run.
 *
 * @param options those of an allocator, `onLeak` and `ports`
 * @throws PortsliceError when vitest starts, for invalid options or environment variables
 * @example
 * export default defineConfig({ plugins: [portslice({ range: [20000, 29999] })] })
 */
export default function portslice(options: PortslicePluginOptions = {}): Vite.Plugin {
  if (isTestProject(options)) throw pluginAsGlobalSetup()
  watchPluginUse()
  return {
    name: 'portslice',
    config: () => {
      notePluginUsed()
      return { test: { setupFiles: [SETUP_FILE] } }
    },
    configResolved({ server }) {
      // Tests in jsdom and similar environments load only files that vite would serve.
      server.fs.allow.push(path.dirname(SETUP_FILE))
    },
    async configureVitest({ project, vitest }) {
      await configureProject(project, options)
      const { reporters } = vitest.config
      if (options.onLeak !== 'ignore' && !reporters.some(isLeakReporter)) {
        ;(reporters as unknown[]).push(new LeakReporter())
      }
    },
  }
}

// `plugins: [portslice]`: vite takes the function itself for a plugin, and calls its properties as hooks.
Object.assign(portslice, {
  config: () => {
    throw uncalledPlugin()
  },
})

/** Throws an error when it is used. @hidden @deprecated import it from `@portslice/vitest-plugin/test` */
export const test: never = misplacedExport('test')
/** Throws an error when it is used. @hidden @deprecated import it from `@portslice/vitest-plugin/test` */
export const it: never = misplacedExport('it')

/** Added by the hook `config`, because vitest runs only setup files from there for each test file. */
const SETUP_FILE = fileURLToPath(new URL('setup.js', import.meta.url))

/** A run has only one, even if several projects use the plugin. */
class LeakReporter implements Reporter {
  readonly isPortsliceLeakReporter = true

  onTestRunEnd: NonNullable<Reporter['onTestRunEnd']> = (modules) => {
    printLeakSummary(modules)
  }
}

function isLeakReporter(reporter: unknown): boolean {
  return (reporter as Partial<LeakReporter> | null)?.isPortsliceLeakReporter === true
}
