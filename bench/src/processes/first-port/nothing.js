/** The cost of a process without a port. */
process.getBuiltinModule('fs').writeSync(1, 'no port\n')
