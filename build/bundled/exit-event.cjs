// Stands in for signal-exit where proper-lockfile is bundled. A process that ends by a signal
// leaves its lock behind; whoever gets its sentinel breaks that lock at once.
module.exports = (listener) => {
  process.on('exit', listener)
}
