import { expect, test } from '@portslice/playwright-fixture'

for (let i = 1; i <= 4; i++) {
  test(`shows note ${i}, and none of another worker`, async ({ page, app }, testInfo) => {
    const own = `worker ${testInfo.workerIndex}`
    await page.goto('/')
    expect(page.url()).toBe(`${app.url}/`)

    await page.getByLabel('Note').fill(`${own}: ${i}`)
    await page.keyboard.press('Enter')

    await expect(page.getByText(`${own}: ${i}`, { exact: true })).toBeVisible()
    for (const note of await page.getByRole('listitem').allTextContents()) {
      expect(note).toMatch(`${own}: `)
    }
    testInfo.annotations.push({ type: 'port', description: `${app.port}` })
  })
}
