import { bundle } from '../../build/bundle.js'

export default bundle({
  entries: ['index', 'renewal-worker'],
  external: [/^@portslice\//, '@redis/client'],
})
