import { afterAll, beforeAll, expect, test } from '@jest/globals'
import { releasePort, takePort } from '@portslice/core'
import { startShop } from './shop.js'

let port
let server

beforeAll(async () => {
  port = await takePort({ label: 'admin' })
  server = await startShop(port, process.env.CATALOGUE)
})

afterAll(async () => {
  server.close()
  await releasePort(port)
})

test('admin: answers on a port of its own', async () => {
  const response = await fetch(`http://127.0.0.1:${port}`)
  expect(await response.text()).toBe('shop with a catalogue')
})
