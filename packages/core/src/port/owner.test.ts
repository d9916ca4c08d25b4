import { spawn } from 'node:child_process'
import dgram from 'node:dgram'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { ownersOf, ownersOfAll } from './owner.js'

const testOfLinux = test.skipIf(process.platform !== 'linux')

testOfLinux('tells the process that listens, by pid and command', async () => {
  const child = spawn(
    process.execPath,
    [
      '-e',
      'require("net").createServer().listen(0, function () { console.log(this.address().port) })',
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  const port = Number(said)
  expect(await ownersOf(port)).toEqual([
    {
      port,
      protocol: 'tcp',
      pid: child.pid,
      command: expect.stringContaining('require("net").createServer()'),
      uid: process.getuid?.(),
      user: expect.any(String),
    },
  ])
})

testOfLinux('tells TCP and UDP apart, and one process that has several sockets once', async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets = ['127.0.0.1', '127.0.0.2'].map((address) => {
    const socket = dgram.createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.bind(port, address)
    return once(socket, 'listening')
  })
  await Promise.all(sockets)
  const owners = (await ownersOf(port)) ?? []
  expect(owners.map(({ protocol, pid }) => ({ protocol, pid }))).toEqual([
    { protocol: 'tcp', pid: process.pid },
    { protocol: 'udp', pid: process.pid },
  ])
})

testOfLinux('a port on which nobody listens has no owner', async () => {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect([...((await ownersOfAll([port])) ?? new Map()).keys()]).toEqual([port])
  server.close()
  await once(server, 'close')
  expect(await ownersOf(port)).toEqual([])
})
