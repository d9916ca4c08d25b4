import { bundle } from '../../build/bundle.js'

export default bundle({
  entries: ['portslice'],
  external: [/^@portslice\//],
  // What every subcommand needs: one file is found and read sooner than ten.
  together:
    /src\/(?:command-line\/(?!help)|terminal\/|list\/(?!watch)|commands\/list)|node_modules\/(?:picocolors|leven|fast-string-)/,
})
