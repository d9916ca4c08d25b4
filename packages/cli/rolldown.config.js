import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/page.js'

const { page, moduleIds } = await bundlePage('live')

export default bundle({
  entries: ['portslice'],
  formats: ['esm'],
  external: [/^@portslice\/(?!process-tree|pages)/],
  // What every subcommand needs: one file is found and read sooner than ten. And what shows things
  // needs: `run` is not to wait for the expressions with which columns are counted.
  chunks: [
    /src\/(?:command-line\/(?!help)|terminal\/(?:colours|print))|node_modules\/picocolors/,
    /src\/(?:terminal\/(?!wrap|colours|print)|list\/(?!watch)|commands\/list)|node_modules\/fast-string-/,
  ],
  // The parser of `migrate` is larger than all else together.
  minified: /node_modules\/(?:@babel\/parser|magic-string|@jridgewell|diff|oxc-walker)\//,
  inlined: moduleIds,
  define: { LIVE_PAGE: JSON.stringify(page) },
})
