import { bundle } from '../../build/bundle.js'
import { bundlePage } from '../../build/bundle-page.js'

const { page, moduleIds } = await bundlePage('report')

export default bundle({
  entries: ['index', 'reporter'],
  external: [/^@playwright\/test/, /^@portslice\/(?!pages|core\/internal\/errors)/],
  inlined: moduleIds,
  minify: true,
  define: { REPORT_PAGE: JSON.stringify(page) },
})
