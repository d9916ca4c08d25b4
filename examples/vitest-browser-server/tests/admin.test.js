import { expect, test } from 'vitest'
import { commands } from 'vitest/browser'

test('admin: has a server of its own', async () => {
  const port = await commands.startShop('admin')
  const response = await fetch(`http://localhost:${port}`)
  expect(await response.text()).toBe('the shop admin')
  await commands.stopShop(port)
})
