/**
 * For configurations without the plugin: `test: { globalSetup: '@portslice/vitest-plugin/global-setup' }`.
 * Checks the environment variables before any worker starts, and reports leaked ports at the end.
 *
 * @module @portslice/vitest-plugin/global-setup
 */
import type { TestProject } from 'vitest/node'
import { configure } from './configure.js'
import { leaksOf, printLeaks } from './leak-report.js'

/**
 * Called by vitest.
 *
 * @param project as vitest gives it
 * @returns what vitest calls at the end of the run
 * @throws PortsliceError for environment variables that are wrong
 * @example
 * // vitest.config.ts
 * export default defineConfig({ test: { globalSetup: '@portslice/vitest-plugin/global-setup' } })
 */
export default async function setup(project: TestProject): Promise<() => void> {
  await configure(project, {})
  const report = () => {
    const modules = project.vitest.state.getTestModules()
    printLeaks(leaksOf(modules.filter((module) => module.project === project)))
  }
  return report
}
