import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/bundle-page.js'

const { page, moduleIds } = await bundlePage('live')

export default bundle({
  entries: ['portslice'],
  formats: ['esm'],
  external: [/^@portslice\/(?!process-tree|pages)/],
  // Node loads one file faster than ten. The first chunk has the modules that every subcommand needs; the
  // second has those for tables, whose large regular expressions `run` does not need.
  chunks: [
    /src\/(?:command-line\/(?!help)|terminal\/(?:colours|print))|node_modules\/picocolors/,
    /src\/(?:terminal\/(?!wrap|colours|print)|list\/(?!watch)|commands\/list)|node_modules\/fast-string-/,
  ],
  // The parser of `migrate` is larger than the rest of the command.
  minified: /node_modules\/(?:@babel\/parser|magic-string|@jridgewell|diff|oxc-walker)\//,
  inlined: moduleIds,
  define: { LIVE_PAGE: JSON.stringify(page) },
})
