import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../own-slices.test-support.js'
import { dockerSocket } from './docker-socket.js'

const onLinux = process.platform === 'linux'

async function listenOn(socket: string): Promise<void> {
  const server = net.createServer().listen(socket)
  onTestFinished(() => void server.close())
  await once(server, 'listening')
}

test('finds no daemon without a socket', () => {
  const file = path.join(temporaryFolder(), 'docker.sock')
  expect(dockerSocket({}, file)).toBeUndefined()
  writeFileSync(file, '')
  expect(dockerSocket({}, file)).toBeUndefined()
  expect(dockerSocket({}, path.join(file, 'docker.sock'))).toBeUndefined()
})

test('a daemon that listens in this network namespace publishes its ports there', async () => {
  const name = `${path.basename(temporaryFolder())}.sock`
  const folder = temporaryFolder()
  const socket = path.join(folder, name)
  await listenOn(socket)
  const isElsewhere = onLinux ? false : undefined
  expect(dockerSocket({}, socket)).toEqual({ address: `unix://${socket}`, isElsewhere })
  expect(dockerSocket({ DOCKER_HOST: `unix://${socket}` })).toEqual({
    address: `unix://${socket}`,
    isElsewhere,
  })
  // A container sees the socket under another path.
  const mounted = path.join(temporaryFolder(), name)
  symlinkSync(socket, mounted)
  expect(dockerSocket({}, mounted)?.isElsewhere).toBe(isElsewhere)
})

test.each([
  ['tcp://docker:2376', true],
  ['ssh://ci@build.internal', true],
  ['tcp://127.0.0.1:2375', false],
  ['tcp://localhost:2375', false],
  ['tcp://[::1]:2375', false],
  ['npipe:////./pipe/docker_engine', undefined],
  ['unix:///run/user/1000/docker.sock', undefined],
  ['nonsense', undefined],
])('$DOCKER_HOST=%s', (host, isElsewhere) => {
  expect(dockerSocket({ DOCKER_HOST: host }, '/nowhere')).toEqual({ address: host, isElsewhere })
})
