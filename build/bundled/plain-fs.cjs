// Replaces graceful-fs in the bundled proper-lockfile, which gets `fs` as an option.
module.exports = process.getBuiltinModule('node:fs')
