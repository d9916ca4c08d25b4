/**
 * Starts an app on a port that no other process uses, waits until it is ready, and stops all its processes.
 *
 * @module @portslice/app-server
 */
import { exitIfWatchdog } from './inside-watchdog.js'

export type { App, Apps } from './app.js'
export type { AppOptions, StartContext } from './options.js'
export { startApp, startApps } from './start.js'

exitIfWatchdog()
