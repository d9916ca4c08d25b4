/** A port until the end of a test. */
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
