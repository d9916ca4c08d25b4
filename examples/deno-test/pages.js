import { once } from 'node:events'
import http from 'node:http'

/** Serves one page on a port, and returns what a client reads from it. */
export async function servedOn(port, page) {
  const server = http.createServer((_, response) => response.end(page))
  await once(server.listen(port), 'listening')
  const response = await fetch(`http://127.0.0.1:${port}`)
  const text = await response.text()
  await once(server.close(), 'close')
  return text
}
