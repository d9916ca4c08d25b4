import { expect } from 'vitest'
import { test } from './app.js'

test('the container of file 2 answers on the Docker host', async ({ app }) => {
  expect(new URL(app.url).hostname).toBe(process.env.PORTSLICE_HOST)
  expect((await fetch(app.url)).ok).toBe(true)
})
