/**
 * Starts an app that serves from a process below its first one, stops it, and tells whether it is gone and
 * which processes were sent signals. `die` as argument: says the port, and is killed instead. `leave`:
 * what serves has left the process group of the app.
 */
import net from 'node:net'
import { startApp } from '@portslice/app-server'

const targets: unknown[] = []
const { kill } = process
process.kill = (pid, signal) => {
  if (signal !== 0) targets.push(pid)
  return kill.call(process, pid, signal)
}

const serve = 'require("net").createServer((s) => s.end()).listen(process.env.PORT)'
const server = process.argv[2] === 'leave' ? 'setsid "$0"' : '"$0"'
const app = await startApp({
  command: ['sh', '-c', `${server} -e "$1"; true`, process.execPath, serve],
  stopTimeout: 500,
})
const { pid, port } = app

if (process.argv[2] === 'die') {
  process.stdout.write(`${JSON.stringify({ port })}\n`, () => kill.call(process, process.pid, 9))
} else {
  const said = await app.stop().then(
    () => 'stopped',
    (error: Error) => error.message,
  )
  const socket = net.connect(port, '127.0.0.1')
  const isServing = await new Promise((resolve) => {
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
  })
  socket.destroy()
  const foreign = targets.filter((target) => target !== pid && target !== -pid)
  console.log(JSON.stringify({ said, isServing, foreign }))
  process.exit()
}
