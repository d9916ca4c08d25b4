/** One server for the whole run: its port is leased by Jest's main process, which outlives the workers. */
import http from 'node:http'
import { listen } from '@portslice/core'

export default async function setup() {
  const catalogue = http.createServer((_, response) => response.end('a catalogue'))
  const { port } = await listen(catalogue, { label: 'catalogue' })
  process.env.CATALOGUE = `http://127.0.0.1:${port}` // The workers inherit it.
  catalogue.unref()
}
