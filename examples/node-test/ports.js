/** A port until the end of a test: `node:test` tells it by its context. */
import { releasePort, takePort } from '@portslice/core'

/**
 * @example
 * test('serves', async (t) => {
 *   const port = await portFor(t)
 * })
 */
export async function portFor(t) {
  const port = await takePort({ label: t.fullName ?? t.name })
  t.after(() => releasePort(port))
  return port
}
