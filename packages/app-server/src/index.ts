export type { App, Apps } from './app.js'
export type { AppOptions, StartContext } from './options.js'
export { startApp, startApps } from './start.js'
