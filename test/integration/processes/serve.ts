/**
 * An app: serves on $PORT, with its environment as JSON on /env, and prints that it does.
 *
 * $START_AFTER: ms before it listens. $START_WHEN: it listens once there is a file of that name
 * and the port. /exit ends it, with status 5. /status/503 answers so.
 * $DAEMON: also starts a process in a new session, which ignores SIGTERM.
 */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

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

await sleep(Number(process.env.START_AFTER ?? 0))
const { PORT, START_WHEN } = process.env
while (START_WHEN && !existsSync(START_WHEN + PORT)) await sleep(5)
server.listen(Number(PORT), () => console.log(`serves on ${PORT}`))
