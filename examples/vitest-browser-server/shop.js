/** Runs in vitest's server, where the ports are; the tests run in the browser. */
import { createServer } from 'node:http'
import { listen } from '@portslice/core'

const shops = new Map()

export async function startShop(_, name) {
  const shop = createServer((_, response) => {
    response.setHeader('access-control-allow-origin', '*')
    response.end(`the shop ${name}`)
  })
  const { port } = await listen(shop, { label: name })
  shops.set(port, shop)
  return port
}

export function stopShop(_, port) {
  shops.get(port).close() // and its port is given back
  shops.get(port).closeAllConnections()
  shops.delete(port)
}
