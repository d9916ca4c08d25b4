/** What the setup file does in a worker, in one module: two imports at once fail in vitest 4's vm pools. */
import { observeCorePorts } from './core-ports.js'
import { watchTestFile } from './test-file.js'

export function watch(): void {
  watchTestFile(observeCorePorts())
}
