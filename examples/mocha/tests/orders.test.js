import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'

describe('orders', () => {
  for (const page of ['first', 'second']) {
    it(`serves its ${page} page`, async function () {
      const server = http.createServer((_, response) => response.end(page))
      await once(server.listen(this.port), 'listening')
      const response = await fetch(`http://127.0.0.1:${this.port}`)
      assert.equal(await response.text(), page)
      await once(server.close(), 'close')
    })
  }
})
