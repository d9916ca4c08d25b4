/** Errors for mistakes in a config or an import that vitest ignores or reports with a misleading message. */
import { invalidOption, type PortsliceError } from '@portslice/core/internal'

const PLUGIN_ADVICE = 'In vitest.config.ts, write `defineConfig({ plugins: [portslice()] })`.'

/** Set by vitest in each worker, also in vm pools. */
export const isWorker = () => '__vitest_worker__' in globalThis

export function uncalledPlugin(): PortsliceError {
  return invalidOption(
    'The plugin is in `plugins`, but it was not called: `plugins: [portslice]`.',
    undefined,
    PLUGIN_ADVICE,
  )
}

export function isTestProject(value: unknown): boolean {
  const { provide, vitest } = (value ?? {}) as { provide?: unknown; vitest?: unknown }
  return typeof provide === 'function' && vitest !== undefined
}

export function pluginAsGlobalSetup(): PortsliceError {
  return invalidOption(
    "The plugin is in `globalSetup`: `globalSetup: '@portslice/vitest-plugin'`.",
    '@portslice/vitest-plugin',
    "Write `globalSetup: '@portslice/vitest-plugin/global-setup'`, or use the plugin: `plugins: [portslice()]`.",
  )
}

export function globalSetupAsSetupFile(): PortsliceError {
  return invalidOption(
    "The global setup is in `setupFiles`: `setupFiles: '@portslice/vitest-plugin/global-setup'`.",
    '@portslice/vitest-plugin/global-setup',
    "Write `globalSetup: '@portslice/vitest-plugin/global-setup'`.",
  )
}

export function misplacedExport(name: string): never {
  const fail = () => {
    throw invalidOption(
      `\`${name}\` is not in '@portslice/vitest-plugin', which is the plugin for the config.`,
      undefined,
      `Write \`import { ${name} } from '@portslice/vitest-plugin/test'\`.`,
    )
  }
  const get = (target: object, key: string | symbol) =>
    // Module loaders and printers read these properties.
    typeof key === 'symbol' || key === 'then' || key in target ? Reflect.get(target, key) : fail()
  return new Proxy(fail, { get }) as never
}

let isCreated = false
let isUsed = false

export function notePluginUsed(): void {
  isUsed = true
}

/** Warns if no hook of the plugin was called: vitest ignores `test.plugins`. */
export function watchPluginUse(): void {
  if (isCreated || isWorker()) return
  isCreated = true
  process.once('exit', () => {
    if (isUsed || !process.env.VITEST) return
    console.error(
      `portslice: the plugin was created, but vitest did not use it. It belongs in \`plugins\`, not in \`test.plugins\`. ${PLUGIN_ADVICE}`,
    )
  })
}
