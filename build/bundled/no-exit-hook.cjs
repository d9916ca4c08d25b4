// Stands in for signal-exit where a library is bundled: portslice tidies up at the end of a
// process by itself, with one listener however often it is loaded. proper-lockfile has a
// version that is a function, the libraries of terminals one that exports it by name.
module.exports = () => {}
module.exports.onExit = module.exports
