import { randomUUID } from 'node:crypto'
import { expect } from '@playwright/test'
import { test } from '../playwright-fixtures.ts'
import { BROWSER_TESTS } from '../size.ts'

for (let number = 1; number <= BROWSER_TESTS; number++) {
  test(`a page of this worker's app and a backend of this test (${number})`, async ({
    page,
    site,
    startApp,
  }) => {
    const name = randomUUID()
    const backend = await startApp((_, answer) => {
      answer.setHeader('access-control-allow-origin', '*')
      answer.end(name)
    })
    await page.goto(`${site.url}/?backend=${encodeURIComponent(backend.url)}`)
    await expect(page).toHaveTitle(site.name)
    await expect(page.locator('#backend')).toHaveText(name)
  })
}
