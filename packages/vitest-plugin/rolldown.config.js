import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/page.js'

const { page, moduleIds } = await bundlePage('report')
const common = {
  external: ['vitest', /^vitest\//, /^@portslice\/(?!pages)/],
  inlined: moduleIds,
  define: { REPORT_PAGE: JSON.stringify(page) },
}
const entries = ['index', 'test', 'global-setup', 'reporter']

export default [
  // vitest alone loads the setup file, which has a top-level await.
  bundle({ ...common, entries: [...entries, 'setup'], formats: ['esm'] }),
  bundle({ ...common, entries, formats: ['cjs'], cleanDir: false }),
]
