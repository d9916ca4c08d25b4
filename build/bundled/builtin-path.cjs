// Replaces `require('path')` in bundled libraries, because the bundle is an ES module.
module.exports = process.getBuiltinModule('node:path')
