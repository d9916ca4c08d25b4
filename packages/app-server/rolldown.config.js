import { bundle } from '../../build/bundle.js'

export default bundle({ entries: ['index', 'keeper'], external: [/^@portslice\//] })
