import { releasePort, takePort } from '@portslice/core'

/** Gives each test of a file a port of its own, as `t.context.port`. */
export function portForEach(test) {
  test.beforeEach(async (t) => {
    t.context.port = await takePort({ label: t.title })
  })

  test.afterEach.always(async (t) => {
    await releasePort(t.context.port)
  })
}
