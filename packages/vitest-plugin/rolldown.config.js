import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/bundle-page.js'

const { page, moduleIds } = await bundlePage('report')
const external = ['vitest', /^vitest\//, /^@portslice\/(?!pages|core\/internal\/errors)/]
const report = { inlined: moduleIds, define: { REPORT_PAGE: JSON.stringify(page) } }

// Each test file of vitest loads the fixtures and the setup file again: they are one file each.
export default [
  bundle({ ...report, entries: ['index', 'global-setup', 'reporter'], external }),
  bundle({ entries: ['test'], external, cleanDir: false, minify: true }),
  bundle({ entries: ['setup'], external, formats: ['esm'], cleanDir: false, minify: true }),
]
