import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/page.js'

export default async () => {
  const { page, moduleIds } = await bundlePage('live')
  const config = bundle({
    entries: ['portslice'],
    external: [/^@portslice\/(?!process-tree|pages)/],
    // What every subcommand needs: one file is found and read sooner than ten. And what shows things
    // needs: `run` is not to wait for the expressions with which columns are counted.
    together: [
      /src\/(?:command-line\/(?!help)|terminal\/(?:colours|print))|node_modules\/(?:picocolors|leven)/,
      /src\/(?:terminal\/(?!wrap|colours|print)|list\/(?!watch)|commands\/list)|node_modules\/fast-string-/,
    ],
    inlined: moduleIds,
  })
  const define = { LIVE_PAGE: JSON.stringify(page) }
  return { ...config, transform: { ...config.transform, define } }
}
