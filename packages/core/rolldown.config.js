import { fileURLToPath } from 'node:url'
import { bundle } from '../../build/bundle.js'

export default [
  bundle({
    entries: ['index', 'internal', 'internal/inspect', 'net', 'coordinator'],
    replaceClock: fileURLToPath(new URL('src/platform/clock.ts', import.meta.url)),
    inlineHelpers: true,
    minify: true,
    chunks: [
      // What a process needs to take and release ports: one file is found and read sooner than six.
      /src\/(?:index|options\/placeholders|platform\/(?:host-in-url|open-files))\.ts$|rolldown\/runtime/,
      /src\/api\/cluster-server\.ts$/,
      // What is loaded later.
      /src\/(?:allocator\/describe-holders|api\/(?:find-history|listen-on-lease|wait-for-claims))\.ts$/,
    ],
  }),
  // Fixtures contain it, and need nothing else before a port is asked for.
  bundle({ entries: ['internal/errors'], cleanDir: false, minify: true }),
]
