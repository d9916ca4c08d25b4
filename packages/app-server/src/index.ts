/**
 * Starts an app on a port that nobody else has, waits until it is ready, and stops all of it.
 *
 * @module @portslice/app-server
 */
import { endCopyInPlaceOfWatchdog } from './inside-watchdog.js'

export type { App, Apps } from './app.js'
export type { AppOptions, StartContext } from './options.js'
export { startApp, startApps } from './start.js'

endCopyInPlaceOfWatchdog()
