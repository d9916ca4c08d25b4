// Stands in for `require('path')` where a library is bundled: the bundle is no CommonJS.
module.exports = process.getBuiltinModule('node:path')
