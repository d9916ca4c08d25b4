/** What a process costs that wants no port. */
process.getBuiltinModule('fs').writeSync(1, 'no port\n')
