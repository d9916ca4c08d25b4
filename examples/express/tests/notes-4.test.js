import { expect } from 'vitest'
import { test } from './app.js'

test.for([1, 2, 3])('note %i of file 4', async (i, { app }) => {
  const note = { file: 4, i, port: app.port }
  const response = await fetch(`${app.url}/notes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(note),
  })
  const notes = await response.json()
  expect(notes).toContainEqual(note)
  expect(notes.filter(({ port }) => port !== app.port)).toEqual([])
})
