/**
 * An app: serves on $PORT, with its environment as JSON on /env, and prints that it does.
 *
 * $START_AFTER: ms before it listens. /exit ends it, with status 5. /status/503 answers so.
 * $DAEMON: also starts a process of a session of its own, that ignores SIGTERM.
 */
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'

const server = createServer((request, response) => {
  const { url = '/' } = request
  if (url === '/exit') process.exit(5)
  const [, status] = /^\/status\/(\d+)$/.exec(url) ?? []
  response.statusCode = Number(status ?? 200)
  response.end(url === '/env' ? JSON.stringify(process.env) : `app of ${process.pid}`)
})

if (process.env.DAEMON) {
  const deaf =
    'process.on("SIGTERM", () => {}); console.log("daemon", process.pid); setInterval(() => {}, 1000)'
  spawn(process.execPath, ['-e', deaf], { detached: true, stdio: 'inherit' }).unref()
}

setTimeout(
  () => {
    server.listen(Number(process.env.PORT), () => console.log(`serves on ${process.env.PORT}`))
  },
  Number(process.env.START_AFTER ?? 0),
)
