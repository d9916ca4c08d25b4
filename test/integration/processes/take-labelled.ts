/** Serves on a port with the label in the first line of stdin, and takes one for each further line. */
import { once } from 'node:events'
import http from 'node:http'
import { createInterface } from 'node:readline'
import { createAllocator } from '@portslice/core'

const allocator = await createAllocator()
let isFirst = true
for await (const line of createInterface({ input: process.stdin })) {
  const { port } = await allocator.take({ label: JSON.parse(line) })
  if (isFirst) {
    const server = http.createServer((_, response) => response.end(`served on ${port}`))
    await once(server.listen(port), 'listening')
  }
  isFirst = false
  console.log(port)
}
