import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { test } from 'node:test'
import { portFor } from './ports.js'

for (const page of ['first', 'second']) {
  test(`orders: serves its ${page} page`, async (t) => {
    const port = await portFor(t)
    const server = http.createServer((_, response) => response.end(page))
    await once(server.listen(port), 'listening')
    const response = await fetch(`http://127.0.0.1:${port}`)
    assert.equal(await response.text(), page)
    await once(server.close(), 'close')
  })
}
