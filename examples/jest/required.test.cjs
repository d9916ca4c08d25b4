// In CommonJS, Jest needs no flag for it.
const { releasePort, takePort } = require('@portslice/core')

test('required', async () => {
  const port = await takePort()
  expect(port).toBeGreaterThan(1023)
  await releasePort(port)
})
