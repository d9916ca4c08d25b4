import type { PackageRule } from './package-rule.js'

export const PORTASTIC: PackageRule = {
  packageName: 'portastic',
  calls: {},
  advice: {
    find: 'portRange',
    test: 'checkPort',
    filter: 'checkPort',
    filterInUse: 'checkPort',
    Monitor: 'waitForPort',
  },
}
