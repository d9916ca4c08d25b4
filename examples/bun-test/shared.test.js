import { afterAll, beforeAll, expect, test } from 'bun:test'
import { releasePort, takePort } from '@portslice/core'

let server

beforeAll(async () => {
  const port = await takePort({ label: 'shared' })
  server = Bun.serve({ port, fetch: (request) => new Response(new URL(request.url).pathname) })
})

afterAll(async () => {
  const { port } = server
  await server.stop()
  await releasePort(port)
})

for (const path of ['/first', '/second']) {
  test(`serves ${path}`, async () => {
    const response = await fetch(new URL(path, server.url))
    expect(await response.text()).toBe(path)
  })
}
