// Stands in for signal-exit where proper-lockfile is bundled: portslice tidies up at the end
// of a process by itself, with one listener however often it is loaded.
module.exports = () => {}
