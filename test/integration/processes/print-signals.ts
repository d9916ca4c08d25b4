/** Prints each signal that it gets; SIGTERM ends it with status 3. */
for (const signal of [
  'SIGINT',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR2',
  'SIGALRM',
  'SIGCONT',
  'SIGWINCH',
] as const) {
  process.on(signal, () => console.log(`got ${signal}`))
}
process.on('SIGTERM', () => {
  console.log('got SIGTERM')
  process.exit(3)
})
setInterval(() => {}, 60_000)
console.log(`ready on ${process.env.PORT}`)
