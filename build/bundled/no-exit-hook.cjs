// Replaces signal-exit in bundled libraries, because portslice cleans up with one exit listener.
// proper-lockfile uses the default export, log-update the named one.
module.exports = () => {}
module.exports.onExit = module.exports
