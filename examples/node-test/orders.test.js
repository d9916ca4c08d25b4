import assert from 'node:assert/strict'
import { test } from 'node:test'
import { servedOn } from './pages.js'
import { portFor } from './ports.js'

for (const page of ['first', 'second']) {
  test(`orders: serves its ${page} page`, async (t) => {
    assert.equal(await servedOn(await portFor(t), page), page)
  })
}
