/**
 * For configurations without the plugin. Checks the environment variables before any worker starts, and
 * reports leaked ports at the end.
 *
 * @module @portslice/vitest-plugin/global-setup
 */
import type { TestProject } from 'vitest/node'
import { configureProject } from './configure-project.js'
import { printLeakSummary } from './leak-summary.js'
import { globalSetupAsSetupFile, isWorker } from './misuse.js'

if (isWorker()) throw globalSetupAsSetupFile()

/**
 * Called by vitest.
 *
 * @param project passed by vitest
 * @returns called by vitest at the end of the run
 * @throws PortsliceError for invalid environment variables
 * @example
 * export default defineConfig({ test: { globalSetup: '@portslice/vitest-plugin/global-setup' } })
 */
export default async function setup(project: TestProject): Promise<() => void> {
  await configureProject(project, {})
  return () => {
    const modules = project.vitest.state.getTestModules()
    printLeakSummary(modules.filter((module) => module.project === project))
  }
}
