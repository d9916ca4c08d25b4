import { channel } from 'node:diagnostics_channel'
import { once } from 'node:events'
import net from 'node:net'
import path from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createAllocator } from '../allocator/allocator.js'
import { ownRange, temporaryFolder } from '../own-slices.test-support.js'
import { watchBoundPorts } from './bound-ports.js'

const LISTENING = channel('tracing:net.server.listen:asyncEnd')
const FAILED = channel('tracing:net.server.listen:error')

/** If a subscriber throws, Node throws an uncaught exception, which fails this run. */
test('unexpected servers and errors of other programs do no harm', async () => {
  const lockDirectory = path.join(temporaryFolder(), 'locks')
  await using allocator = await createAllocator({ range: await ownRange(), lockDirectory })
  const { port } = await allocator.take()
  const server = net.createServer()
  onTestFinished(() => void server.close())
  watchBoundPorts(() => {
    throw new Error('of a runner')
  })
  onTestFinished(() => watchBoundPorts(() => undefined))
  await once(server.listen(port), 'listening')
  watchBoundPorts(() => 'the test')
  LISTENING.publish({ server })
  const address = () => {
    throw new Error('of a mock')
  }
  for (const message of [{}, { server: null }, { server: {} }, { server: { address } }]) {
    LISTENING.publish(message)
  }
  const frozen = Object.freeze(Object.assign(new Error('frozen'), { code: 'EADDRINUSE', port }))
  for (const message of [{}, { error: null }, { error: 'text' }, { error: frozen }]) {
    FAILED.publish(message)
  }
  await nextTurn()
  expect(frozen.message).toBe('frozen')
})
