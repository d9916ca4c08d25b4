import assert from 'node:assert/strict'
import { servedOn } from '../pages.js'

describe('shop', () => {
  for (const page of ['first', 'second']) {
    it(`serves its ${page} page`, async function () {
      assert.equal(await servedOn(this.port, page), page)
    })
  }
})
