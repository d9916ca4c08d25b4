// Stands in for graceful-fs where proper-lockfile is bundled: it is given its `fs` as an option.
module.exports = process.getBuiltinModule('node:fs')
