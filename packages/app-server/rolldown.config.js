import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { bundle, COMMENTS } from '../../build/bundle.js'

/** The source of core, not its build, because {@link bundleWatchdog} needs the ids of the bundled libraries. */
const CORE = fileURLToPath(new URL('../core/src/internal.ts', import.meta.url))

/**
 * Bundles the watchdog with its dependencies. The package contains the result as a string, so that the
 * watchdog also works in bundles of users.
 */
async function bundleWatchdog() {
  const { input: _, external: __, output: ___, resolve, ...options } = bundle({ entries: [] })
  await using watchdog = await rolldown({
    ...options,
    input: 'src/watchdog.ts',
    external: [/^node:/],
    resolve: {
      ...resolve,
      alias: { ...resolve.alias, '@portslice/core/internal': CORE },
    },
    treeshake: { moduleSideEffects: (id) => id.endsWith('src/watchdog.ts') },
  })
  const { output: chunks } = await watchdog.generate({
    format: 'esm',
    minify: true,
    codeSplitting: false,
    comments: COMMENTS,
  })
  // A script cannot export.
  const source = chunks[0].code.replace(/export\s*\{\s*\};?\s*$/, '')
  return { source, moduleIds: chunks[0].moduleIds }
}

export default async () => {
  const { source, moduleIds } = await bundleWatchdog()
  const config = bundle({
    entries: ['index'],
    external: [/^@portslice\/(?!process-tree)/],
    inlined: moduleIds,
  })
  const define = { WATCHDOG_SOURCE: JSON.stringify(source) }
  return { ...config, transform: { ...config.transform, define } }
}
