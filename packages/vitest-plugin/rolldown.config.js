import { bundle } from '../../build/bundle.js'

const external = ['vitest', /^vitest\//, /^@portslice\//]
const entries = ['index', 'test', 'global-setup']

export default [
  // vitest alone loads the setup file, which has a top-level await.
  bundle({ entries: [...entries, 'setup'], external, formats: ['esm'] }),
  bundle({ entries, external, formats: ['cjs'], cleanDir: false }),
]
