/** A worker that starts an app with a daemon, says what runs, and stays; `exit` as argument: ends. */
import { fileURLToPath } from 'node:url'
import { startApp } from '@portslice/app-server'

const app = await startApp({
  command: [process.execPath, fileURLToPath(new URL('serve.ts', import.meta.url))],
  env: { DAEMON: '1' },
  ready: (app) => /daemon \d+/.test(app.output()) && app.output().includes('serves'),
  stopTimeout: 500,
})
const [, daemon] = /daemon (\d+)/.exec(app.output()) ?? []
console.log(JSON.stringify({ port: app.port, pids: [app.pid, Number(daemon)] }))
if (process.argv[2] === 'stay') setTimeout(() => {}, 300_000)
