import { bundle } from '../../build/bundle.js'

export default bundle({
  entries: ['index', 'test', 'global-setup', 'setup'],
  external: ['vitest', /^vitest\//, /^@portslice\//],
})
