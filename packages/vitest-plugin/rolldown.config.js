import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/page.js'

const { page, moduleIds } = await bundlePage('report')

export default bundle({
  entries: ['index', 'test', 'global-setup', 'reporter'],
  external: ['vitest', /^vitest\//, /^@portslice\/(?!pages)/],
  inlined: moduleIds,
  define: { REPORT_PAGE: JSON.stringify(page) },
})
