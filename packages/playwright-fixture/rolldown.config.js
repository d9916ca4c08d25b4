import { bundle } from '../../build/bundle.js'

export default bundle({ entries: ['index'], external: ['@playwright/test', /^@portslice\//] })
