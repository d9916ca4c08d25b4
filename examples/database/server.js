/** A page with notes from the database at $DATABASE_URL. */
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import pg from 'pg'

const database = new pg.Pool({ connectionString: process.env.DATABASE_URL })
// The database may be stopped before this server.
database.on('error', (error) => console.error(error.message))
await database.query('CREATE TABLE note (id serial PRIMARY KEY, body text NOT NULL)')

const escape = (body) => body.replaceAll('&', '&amp;').replaceAll('<', '&lt;')

const server = createServer(async (request, response) => {
  if (request.method === 'POST') {
    const note = new URLSearchParams(await text(request)).get('note')
    await database.query('INSERT INTO note (body) VALUES ($1)', [note])
    response.writeHead(303, { location: '/' }).end()
    return
  }
  const { rows } = await database.query('SELECT body FROM note ORDER BY id')
  response.setHeader('content-type', 'text/html; charset=utf-8')
  response.end(`<!doctype html>
    <title>Notes</title>
    <form method="post"><input name="note" aria-label="Note" /></form>
    <ul>${rows.map(({ body }) => `<li>${escape(body)}</li>`).join('')}</ul>`)
})

server.listen(process.env.PORT, () => console.log(`serves on ${process.env.PORT}`))
