import { expect, test } from 'vitest'
import { commands } from 'vitest/browser'

test('shop: has a server of its own', async () => {
  const port = await commands.startShop('shop')
  const response = await fetch(`http://localhost:${port}`)
  expect(await response.text()).toBe('the shop shop')
  await commands.stopShop(port)
})
