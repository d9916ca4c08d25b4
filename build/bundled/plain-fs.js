// Stands in for graceful-fs where proper-lockfile is bundled: it is given its `fs` as an option.
export * from 'node:fs'
