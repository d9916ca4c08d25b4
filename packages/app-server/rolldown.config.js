import { rolldown } from 'rolldown'
import { bundle } from '../../build/bundle.js'

const config = bundle({ entries: ['index'], external: [/^@portslice\//] })

/**
 * The watchdog with all that it needs, as text in the package's own module: users bundle that, and
 * then there is no file beside it.
 */
async function watchdogSource() {
  const { input: _, external: __, output, ...options } = bundle({ entries: [] })
  await using watchdog = await rolldown({
    ...options,
    input: 'src/watchdog.ts',
    external: [/^node:/],
    treeshake: { moduleSideEffects: (id) => id.endsWith('src/watchdog.ts') },
  })
  const { output: chunks } = await watchdog.generate({
    format: 'esm',
    minify: true,
    codeSplitting: false,
    comments: output.comments,
  })
  // It is run as a script, which exports nothing.
  return chunks[0].code.replace(/export\s*\{\s*\};?\s*$/, '')
}

export default async () => ({
  ...config,
  transform: {
    ...config.transform,
    define: { WATCHDOG_SOURCE: JSON.stringify(await watchdogSource()) },
  },
})
