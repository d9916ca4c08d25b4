import test from 'ava'
import { servedOn } from '../pages.js'
import { portForEach } from '../ports.js'

portForEach(test)

for (const page of ['first', 'second']) {
  test(`serves its ${page} page`, async (t) => {
    t.is(await servedOn(t.context.port, page), page)
  })
}
