/**
 * A setup file that the plugin adds: it runs before each test file, also in workers without isolation.
 *
 * @module @portslice/vitest-plugin/setup
 */

// In vitest's browser mode this runs in a browser, which has no ports.
if (globalThis.process?.versions?.node) {
  const [{ watchTestFile }, { observeCorePorts }] = await Promise.all([
    import('./test-file.js'),
    import('./core-ports.js'),
  ])
  watchTestFile(observeCorePorts())
}

export {}
