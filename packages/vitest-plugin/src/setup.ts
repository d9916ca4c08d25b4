/**
 * A setup file that the plugin adds. It runs before each test file, even in workers without isolation.
 *
 * @module @portslice/vitest-plugin/setup
 */
import { observeCorePorts } from './observe-core-ports.js'
import { watchTestFile } from './test-file.js'

// In vitest's browser mode this runs in a browser, which has no ports.
if (globalThis.process?.versions?.node) watchTestFile(observeCorePorts())
