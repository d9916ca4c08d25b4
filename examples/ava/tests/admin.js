import { once } from 'node:events'
import http from 'node:http'
import { releasePort, takePort } from '@portslice/core'
import test from 'ava'

test.beforeEach(async (t) => {
  t.context.port = await takePort({ label: t.title })
})

test.afterEach.always(async (t) => {
  await releasePort(t.context.port)
})

for (const page of ['first', 'second']) {
  test(`serves its ${page} page`, async (t) => {
    const server = http.createServer((_, response) => response.end(page))
    await once(server.listen(t.context.port), 'listening')
    const response = await fetch(`http://127.0.0.1:${t.context.port}`)
    t.is(await response.text(), page)
    await once(server.close(), 'close')
  })
}
