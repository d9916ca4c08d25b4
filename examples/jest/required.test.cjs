// A test in CommonJS: `require` works too.
const { releasePort, takePort } = require('@portslice/core')

test('required', async () => {
  const port = await takePort()
  expect(port).toBeGreaterThan(1023)
  await releasePort(port)
})
