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
      pid: child.pid,
      command: expect.stringContaining('require("net").createServer()'),
      cwd: process.cwd(),
      uid: process.getuid?.(),
    },
  ])
})

testOfLinux('tells a process that has several sockets once, on TCP and UDP', async () => {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const sockets = ['127.0.0.1', '127.0.0.2'].map((address) => {
    const socket = dgram.createSocket('udp4')
    onTestFinished(() => void socket.close())
    socket.bind(port, address)
    return once(socket, 'listening')
  })
  await Promise.all(sockets)
  expect((await ownersOf(port)).map(({ pid }) => pid)).toEqual([process.pid])
  server.close()
  await once(server, 'close')
  expect((await ownersOf(port)).map(({ pid }) => pid)).toEqual([process.pid])
})

testOfLinux('a port without a listener has no owner', async () => {
  const server = net.createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  expect([...(await ownersOfAll([port, port + 1])).keys()]).toEqual([port])
  server.close()
  await once(server, 'close')
  expect(await ownersOf(port)).toEqual([])
})
