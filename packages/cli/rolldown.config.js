import { bundle } from '../../build/bundle.js'

export default bundle({
  entries: ['portslice'],
  external: [/^@portslice\//],
})
