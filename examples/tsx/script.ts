/** A script without a test runner: a shop and its API on ports of their own. */
import { createServer } from 'node:http'
import { listen, type PortLease } from '@portslice/core'

const api = createServer((_, response) => response.end('three apples'))
const apiLease: PortLease = await listen(api, { label: 'api' })

const shop = createServer(async (_, response) => {
  const text = await (await fetch(`http://127.0.0.1:${apiLease.port}`)).text()
  response.end(`The shop sells ${text}.`)
})
const { port } = await listen(shop, { label: 'shop' })

console.log(await (await fetch(`http://127.0.0.1:${port}`)).text())
for (const server of [shop, api]) {
  server.close() // and its port is given back
  server.closeAllConnections()
}
