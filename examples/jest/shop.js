/** The app under test. It gets its port as an argument, and calls the catalogue. */
import { once } from 'node:events'
import http from 'node:http'

export async function startShop(port, catalogue) {
  const server = http.createServer(async (_, response) => {
    const text = await (await fetch(catalogue)).text()
    response.end(`shop with ${text}`)
  })
  await once(server.listen(port), 'listening')
  return server
}
