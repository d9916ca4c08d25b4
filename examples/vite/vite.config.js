import { text } from 'node:stream/consumers'
import { defineConfig } from 'vite'

/** An API in the dev server, with its data in memory. */
const notes = {
  name: 'notes',
  configureServer({ middlewares }) {
    const all = []
    middlewares.use('/notes', async (request, response) => {
      if (request.method === 'POST') all.push(await text(request))
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(all))
    })
  },
}

export default defineConfig({
  plugins: [notes],
  // Dev servers in the same directory need separate caches.
  cacheDir: `node_modules/.vite/${process.env.PORT ?? 'dev'}`,
})
