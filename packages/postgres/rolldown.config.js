import { bundle } from '../../build/bundle.js'

export default bundle({ entries: ['index'], external: [/^@portslice\//, 'pg'] })
