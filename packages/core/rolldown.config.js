import { fileURLToPath } from 'node:url'
import { bundle } from '../../build/bundle.js'

export default [
  bundle({
    entries: ['index', 'internal', 'internal/inspect', 'net', 'coordinator'],
    replaceClock: fileURLToPath(new URL('src/platform/clock.ts', import.meta.url)),
    // A process that takes a port needs nearly all of this: one file is found and read sooner than six.
    together: [/src\/(?:index|internal)\.ts$|rolldown\/runtime/],
  }),
  // Fixtures contain it, and need nothing else before a port is asked for.
  bundle({ entries: ['internal/errors'], cleanDir: false }),
]
